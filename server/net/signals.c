#include "server/net/signals.h"

#include <string.h>

#include "server/net/circular.h"
#include "server/net/conversation.h"
#include "server/net/dispatch.h"
#include "server/net/followers.h"
#include "server/net/loop.h"
#include "server/net/net_impl.h"
#include "server/net/sess_error.h"

/* Output above which a session is busy with what must not be lost. */
#define BUSY_SHARE 64 /* A part of limits.output_queue. */

/* Whom a signal reaches: the sessions of either; one is 0. */
struct target {
	uint64_t account, room;
	uint64_t members;
};

struct signal {
	uint64_t from; /* Its sessions know. */
	struct target target;
	struct sn_bytes frame;
};

static void hear(struct sess *s, const void *arg)
{
	const struct signal *signal = arg;

	if (s->account == signal->from &&
	    signal->target.account != signal->from)
		return;
	if (!(s->features & SN_FEATURE_SIGNALS) || s->state != SESS_READY)
		return;
	if (s->out.queue.len >= s->out.queue.max / BUSY_SHARE)
		limits_reached(s->loop->net, LIMITS_OUTPUT_QUEUE);
	else
		sess_put_bytes(s, signal->frame);
}

static void tell(struct loop *loop, const void *paper)
{
	const struct signal *signal = paper;
	const struct target *target = &signal->target;

	if (target->account != 0)
		followers_of_account(loop, target->account, hear, signal);
	else
		followers_of_room(loop, target->room, hear, signal);
}

/* To the other loops, if there is memory. */
static void post(const struct loop *loop, const struct signal *signal)
{
	struct sn_bytes frame = signal->frame;
	struct signal *copy;
	struct circular *c;

	if (loop->net->loop_count == 1)
		return;
	c = circular_new(loop->net, sizeof(*copy) + frame.n, tell);
	if (c == NULL)
		return;
	copy = circular_paper(c);
	*copy = *signal;
	copy->frame.p = memcpy(copy + 1, frame.p, frame.n);
	circular_post_others(c, loop);
}

static void pass_on(struct sess *s, const struct target *target,
    const struct sn_frame_signal *f)
{
	struct sn_frame_signaled out = {
		.to = f->to,
		.from = sn_bytes_of(s->account_name),
		.device = sn_bytes_of(s->peer->label),
		.kind = f->kind,
		.data = f->data,
	};
	struct sn_wr w = sn_wr_over(s->loop->tail, sizeof(s->loop->tail));
	struct signal signal = { .from = s->account, .target = *target };

	sn_frame_put_signaled(&w, &out);
	if (w.bad) {
		sess_fault(s, "a signal did not fit its frame");
		return;
	}
	signal.frame = (struct sn_bytes){ w.p, w.n };
	post(s->loop, &signal);
	tell(s->loop, &signal);
}

static enum sn_err look_up(
    struct sess *s, struct sn_bytes to, struct target *out)
{
	struct conversation c;
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = loop_read_fresh(s->loop, &txn)) != SN_OK ||
	    (err = conversation_find(txn, s->account, to, &c)) != SN_OK)
		return (err);
	/* With whom one has not spoken yet one does not share anything. */
	if (c.room.id == 0)
		return (SN_ENOTFOUND);
	*out = (struct target){ .members = c.room.members };
	if (c.room.kind == ROOM_NAMED)
		out->room = c.room.id;
	else
		out->account = conversation_other(&c.room, s->account);
	return (SN_OK);
}

static enum sn_err find_target(
    struct sess *s, struct sn_bytes to, struct target *out)
{
	/* First: what changes from here on makes it be looked up again. */
	uint64_t changes = atomic_load(&s->loop->net->changes);
	struct signals_known *known = &s->loop->signals;
	const struct target *target;
	enum sn_err err;

	if (known->changes != changes) {
		known_forget(&known->targets);
		known->changes = changes;
	}
	target = known_get(&known->targets, s->account, to);
	if (target != NULL) {
		*out = *target;
		return (SN_OK);
	}
	if ((err = look_up(s, to, out)) == SN_OK)
		known_put(&known->targets, s->account, to, out, sizeof(*out));
	return (err);
}

void signals_on_signal(struct sess *s, const struct sn_frame *frame)
{
	struct sn_frame_signal f;
	struct target target;
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
	if ((err = find_target(s, f.to, &target)) != SN_OK)
		sess_error_of(s, f.ref, err);
	else if (target.members > s->loop->settings->limits.small_room)
		limits_reached(s->loop->net, LIMITS_SMALL_ROOM);
	else if (atomic_load_explicit(
		     &s->loop->net->signals_wanted, memory_order_relaxed) != 0)
		pass_on(s, &target, &f);
}
