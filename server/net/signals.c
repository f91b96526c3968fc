#include "server/net/signals.h"

#include <stdlib.h>
#include <string.h>

#include "server/net/conversation.h"
#include "server/net/dispatch.h"
#include "server/net/followers.h"
#include "server/net/loop.h"
#include "server/net/net_impl.h"
#include "server/net/sess_error.h"

#define FRAME_MOST 640
/* Output above which a session is busy with what must not be lost. */
#define BUSY_SHARE 64 /* A part of limits.output_queue. */

struct signal_mail {
	struct mail mail;
	uint64_t from;          /* Its sessions know. */
	uint64_t account, room; /* Whose sessions hear it; one is 0. */
	size_t n;
	uint8_t frame[];
};

static void hear(struct sess *s, const void *arg)
{
	const struct signal_mail *m = arg;

	if (s->account == m->from && m->account != m->from)
		return;
	if (!(s->features & SN_FEATURE_SIGNALS) || s->state != SESS_READY)
		return;
	if (s->out.queue.len >= s->out.queue.max / BUSY_SHARE)
		limits_reached(s->loop->net, LIMITS_OUTPUT_QUEUE);
	else
		sess_put_bytes(s, (struct sn_bytes){ m->frame, m->n });
}

static void tell(struct loop *loop, struct signal_mail *m)
{
	if (m->account != 0)
		followers_of_account(loop, m->account, hear, m);
	else
		followers_of_room(loop, m->room, hear, m);
}

static void run_mail(void *owner, struct mail *mail)
{
	struct signal_mail *m = (struct signal_mail *)mail;

	tell(owner, m);
	free(m);
}

/* To each other loop, as far as there is memory. */
static void post(const struct loop *loop, const struct signal_mail *signal)
{
	struct net *net = loop->net;

	for (unsigned i = 0; i < net->loop_count; i++) {
		struct signal_mail *m;

		if (i == loop->index)
			continue;
		if ((m = malloc(sizeof(*m) + signal->n)) == NULL)
			return;
		memcpy(m, signal, sizeof(*m) + signal->n);
		m->mail.run = run_mail;
		mailbox_post(net->loops[i]->mailbox, &m->mail);
	}
}

static void pass_on(struct sess *s, const struct signals_target *target,
    const struct sn_frame_signal *f)
{
	struct sn_frame_signaled out = {
		.to = f->to,
		.from = sn_bytes_of(s->account_name),
		.device = sn_bytes_of(s->peer->label),
		.kind = f->kind,
		.data = f->data,
	};
	union {
		struct signal_mail mail;
		uint8_t space[sizeof(struct signal_mail) + FRAME_MOST];
	} u;
	struct sn_wr w = sn_wr_over(u.space + sizeof(u.mail), FRAME_MOST);

	u.mail = (struct signal_mail){
		.from = s->account,
		.account = target->account,
		.room = target->room,
	};
	sn_frame_put_signaled(&w, &out);
	if (w.bad) {
		sess_fault(s, "a signal did not fit its frame");
		return;
	}
	u.mail.n = w.n;
	post(s->loop, &u.mail);
	tell(s->loop, &u.mail);
}

static struct signals_target *slot_of(struct sess *s, struct sn_bytes to)
{
	const uint8_t *p = to.p;
	uint64_t h = s->account;

	for (size_t i = 0; i < to.n; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return (&s->loop->targets[(h >> 16) % SIGNALS_TARGETS]);
}

static bool is_known(
    const struct signals_target *t, const struct sess *s, struct sn_bytes to)
{
	return (t->from == s->account &&
		t->changes == atomic_load(&s->loop->net->changes) &&
		sn_bytes_equal(to, (struct sn_bytes){ t->to, t->len }));
}

static enum sn_err look_up(
    struct sess *s, struct sn_bytes to, struct signals_target *out)
{
	/* First: what changes from here on makes it be looked up again. */
	uint64_t changes = atomic_load(&s->loop->net->changes);
	struct conversation c;
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = loop_read_fresh(s->loop, &txn)) != SN_OK ||
	    (err = conversation_find(txn, s->account, to, &c)) != SN_OK)
		return (err);
	/* With whom one has not spoken yet one does not share anything. */
	if (c.room.id == 0)
		return (SN_ENOTFOUND);
	*out = (struct signals_target){
		.from = s->account,
		.changes = changes,
		.members = c.room.members,
		.len = (uint8_t)to.n,
	};
	memcpy(out->to, to.p, to.n);
	if (c.room.kind == ROOM_NAMED)
		out->room = c.room.id;
	else
		out->account = conversation_other(&c.room, s->account);
	return (SN_OK);
}

void signals_on_signal(struct sess *s, const struct sn_frame *frame)
{
	struct signals_target *target;
	struct sn_frame_signal f;
	enum sn_err err;

	if (!sn_frame_get_signal(frame, &f)) {
		dispatch_bad(s, frame,
		    "SIGNAL needs ref, target, kind of 1 to 32 bytes, data of "
		    "at most 256");
		return;
	}
	if (!allowance_signal(s)) {
		limits_reached(s->loop->net, LIMITS_SIGNAL_RATE);
		return;
	}
	target = slot_of(s, f.to);
	if (!is_known(target, s, f.to) &&
	    (err = look_up(s, f.to, target)) != SN_OK)
		sess_error_of(s, f.ref, err);
	else if (target->members > s->loop->settings->limits.small_room)
		limits_reached(s->loop->net, LIMITS_SMALL_ROOM);
	else if (atomic_load_explicit(
		     &s->loop->net->signals_wanted, memory_order_relaxed) != 0)
		pass_on(s, target, &f);
}
