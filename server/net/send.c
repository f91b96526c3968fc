#include "server/net/send.h"

#include <string.h>

#include "lib/clock.h"
#include "server/oplog/account.h"
#include "server/oplog/dedupe.h"
#include "server/net/dispatch.h"
#include "server/net/loop.h"
#include "server/net/net_impl.h"
#include "server/net/sess_answer.h"
#include "server/net/sess_error.h"
#include "server/oplog/room.h"

static enum sn_err find_room(
    struct sn_txn *txn, uint64_t sender, struct sn_bytes to, uint64_t *target)
{
	struct room_member member;
	struct room room;
	enum sn_err err;

	if ((err = room_find(txn, to, &room)) != SN_OK)
		return (err);
	*target = room.id;
	return (room_member(txn, room.id, sender, &member));
}

static enum sn_err find_account(
    struct sn_txn *txn, struct sn_bytes to, uint64_t *target)
{
	struct account account;
	enum sn_err err;

	if ((err = account_find(txn, to, &account)) != SN_OK)
		return (err);
	*target = account.id;
	return (account.state == ACCOUNT_ACTIVE ? SN_OK : SN_ENOTFOUND);
}

/* Whom or what ${to} names, for this sender.  SN_ENOTFOUND for all that the
 * sender may not know of. */
static enum sn_err find_target(
    struct sess *s, struct sn_bytes to, struct op_message *m)
{
	struct known *names = &s->loop->names;
	const uint64_t *account = known_get(names, 0, to);
	struct sn_txn *txn;
	enum sn_err err;

	m->direct = true;
	if (account != NULL) {
		m->target = *account;
		return (SN_OK);
	}
	if ((err = loop_read(s->loop, &txn)) != SN_OK)
		return (err);
	if (sn_name_room(to)) {
		m->direct = false;
		return (find_room(txn, s->account, to, &m->target));
	}
	if (!sn_name_account(to))
		return (SN_ENOTFOUND);
	if ((err = find_account(txn, to, &m->target)) != SN_OK)
		return (err);
	known_put(names, 0, to, &m->target, sizeof(m->target));
	return (SN_OK);
}

static void put_stored(struct sess *s, const struct sn_frame_stored *f)
{
	struct sn_wr w = sess_put(s, 64);

	sn_frame_put_stored(&w, f);
	sess_put_end(s, &w);
}

/*
 * The target is not there, or not any more: a message that was stored while
 * it was is stored, and its sender, who may have lost the answer, hears so.
 */
static enum sn_err answer_again(
    struct sess *s, const struct sn_frame_send *send)
{
	struct sn_frame_stored f = { .ref = send->ref, .duplicate = true };
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = loop_read(s->loop, &txn)) == SN_OK)
		err = dedupe_find(txn, send->id, s->account, &f.seq, &f.time);
	if (err == SN_OK)
		put_stored(s, &f);
	return (err);
}

/* All of the message but its place, as DELIVER will carry it. */
static void put_tail(struct sess *s, const struct sn_frame_send *f,
    uint64_t now, struct sn_wr *w)
{
	struct sn_frame_deliver d = {
		.time = now,
		.to = f->to,
		.from = sn_bytes_of(s->account_name),
		.device = sn_bytes_of(s->peer->label),
		.content_type = f->content_type,
		.body = f->body,
	};

	memcpy(d.id, f->id, sizeof(d.id));
	sn_frame_put_tail(w, &d);
}

void send_on_send(struct sess *s, const struct sn_frame *frame)
{
	struct op op = { .kind = OP_MESSAGE, .time = sn_clock_wall_ms() };
	struct loop *loop = s->loop;
	struct sn_frame_send f;
	struct sn_wr w;
	enum sn_err err;

	if (!sn_frame_get_send(frame, &f)) {
		dispatch_bad(s, frame,
		    "SEND needs ref, target, id, content type, and a body of "
		    "at most " SN_FRAME_DIGITS(SN_FRAME_BODY_MAX) " bytes");
		return;
	}
	if (f.body.n > loop->settings->limits.body_max) {
		limits_error(s, f.ref, LIMITS_BODY);
		return;
	}
	op.message.sender = s->account;
	if (f.ttl != 0)
		op.message.expires =
		    f.ttl < UINT64_MAX - op.time ? op.time + f.ttl : UINT64_MAX;
	memcpy(op.message.id, f.id, sizeof(f.id));
	err = find_target(s, f.to, &op.message);
	if (err == SN_ENOTFOUND && (err = answer_again(s, &f)) == SN_OK)
		return;
	if (err != SN_OK) {
		sess_error_of(s, f.ref, err);
		return;
	}
	w = sn_wr_over(loop->tail, sizeof(loop->tail));
	put_tail(s, &f, op.time, &w);
	if (w.bad) {
		sess_fault(s, "a message did not fit its tail");
		return;
	}
	op.message.tail = (struct sn_bytes){ w.p, w.n };
	if ((err = net_submit(s, f.ref, &op)) != SN_OK)
		sess_error_of(s, f.ref, err);
}

void send_answer(struct sess *s, const struct oplog_request *q)
{
	struct sn_frame_stored f = {
		.ref = q->ref,
		.seq = q->applied.seq,
		.time = q->applied.time,
		.duplicate = q->applied.duplicate,
	};

	if (sess_answer_refused(s, q))
		return;
	s->messages_in++;
	put_stored(s, &f);
}
