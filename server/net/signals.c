#include "server/net/signals.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "server/net/conversation.h"
#include "server/net/dispatch.h"
#include "server/net/followers.h"
#include "server/net/loop.h"
#include "server/net/net_impl.h"

#define FRAME_MOST 640
/* Output above which a session is busy with what must not be lost. */
#define QUEUE_MOST 16384

struct signal_mail {
	struct mail mail;
	uint64_t from;          /* Its sessions know. */
	uint64_t account, room; /* Whose sessions hear it; one is 0. */
	size_t n;
	uint8_t frame[];
};

static void hear(struct sess *s, void *arg)
{
	const struct signal_mail *m = arg;

	if (s->account == m->from && m->account != m->from)
		return;
	if ((s->features & SN_FEATURE_SIGNALS) && s->state == SESS_READY &&
	    s->out.len < QUEUE_MOST)
		sess_put_bytes(s, (struct sn_bytes){ m->frame, m->n });
}

static void run_mail(void *owner, struct mail *mail)
{
	struct signal_mail *m = (struct signal_mail *)mail;

	if (m->account != 0)
		followers_of_account(owner, m->account, hear, m);
	else
		followers_of_room(owner, m->room, hear, m);
	free(m);
}

/* To every loop, as far as there is memory. */
static void post(
    struct net *net, const struct signal_mail *to, const struct sn_wr *frame)
{
	for (unsigned i = 0; i < net->loop_count; i++) {
		struct signal_mail *m = malloc(sizeof(*m) + frame->n);

		if (m == NULL)
			return;
		*m = *to;
		m->mail.run = run_mail;
		m->n = frame->n;
		memcpy(m->frame, frame->p, frame->n);
		mailbox_post(net->loops[i]->mailbox, &m->mail);
	}
}

void signals_start(struct sess *s)
{
	s->signals = (double)s->loop->settings->limits.signal_rate;
	s->signals_at = sn_clock_mono();
}

/* A second's worth may come at once. */
static bool take(struct sess *s)
{
	double rate = (double)s->loop->settings->limits.signal_rate;
	uint64_t now = sn_clock_mono();

	s->signals += (double)(now - s->signals_at) * 1e-9 * rate;
	s->signals_at = now;
	if (s->signals > rate)
		s->signals = rate;
	if (s->signals < 1)
		return (false);
	s->signals -= 1;
	return (true);
}

static void drop(struct sess *s)
{
	atomic_fetch_add(&s->loop->net->signals_dropped, 1);
}

static void pass_on(struct sess *s, const struct conversation *c,
    const struct sn_frame_signal *f)
{
	bool named = c->room.kind == ROOM_NAMED;
	struct signal_mail to = { .from = s->account };
	struct sn_frame_signaled out = {
		.to = f->to,
		.from = sn_bytes_of(s->account_name),
		.device = sn_bytes_of(s->peer->label),
		.kind = f->kind,
		.data = f->data,
	};
	uint8_t space[FRAME_MOST];
	struct sn_wr w = sn_wr_over(space, sizeof(space));

	if (named)
		to.room = c->room.id;
	else
		to.account = conversation_other(&c->room, s->account);
	sn_frame_put_signaled(&w, &out);
	if (w.bad)
		sess_fault(s, "a signal did not fit its frame");
	else
		post(s->loop->net, &to, &w);
}

void signals_on_signal(struct sess *s, const struct sn_frame *frame)
{
	struct conversation c;
	struct sn_frame_signal f;
	struct sn_txn *txn;
	enum sn_err err;

	if (!sn_frame_get_signal(frame, &f)) {
		sess_error(s, NULL, "bad-frame",
		    "SIGNAL needs ref, target, kind of 1 to 32 bytes, data of "
		    "at most 256");
		return;
	}
	if (!take(s)) {
		drop(s);
		return;
	}
	if ((err = loop_read(s->loop, &txn)) == SN_OK)
		err = conversation_find(txn, s->account, f.to, &c);
	/* With whom one has not spoken yet one does not share anything. */
	if (err == SN_OK && c.room.id == 0)
		err = SN_ENOTFOUND;
	if (err != SN_OK)
		sess_error_of(s, f.ref, err);
	else if (c.room.members > s->loop->settings->limits.small_room)
		drop(s);
	else if (atomic_load_explicit(
		     &s->loop->net->signals_wanted, memory_order_relaxed) != 0)
		pass_on(s, &c, &f);
}
