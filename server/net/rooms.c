#include "server/net/rooms.h"

#include "lib/clock.h"
#include "server/oplog/account.h"
#include "server/oplog/db.h"
#include "server/net/dispatch.h"
#include "server/net/loop.h"
#include "server/net/net_impl.h"
#include "server/net/sess_answer.h"
#include "server/net/sess_error.h"
#include "server/oplog/room.h"

static void submit(struct sess *s, uint64_t ref, struct op *op)
{
	enum sn_err err;

	op->time = sn_clock_wall_ms();
	if ((err = net_submit(s, ref, op)) != SN_OK)
		sess_error_of(s, ref, err);
}

void rooms_on_create(struct sess *s, const struct sn_frame *frame)
{
	struct op op = { .kind = OP_ROOM_CREATE };
	struct sn_frame_room_create f;

	if (!sn_frame_get_room_create(frame, &f)) {
		dispatch_bad(
		    s, frame, "ROOM_CREATE needs ref, room, open, topic");
		return;
	}
	if (!sn_name_room(f.room)) {
		sess_error(s, &f.ref, "bad-frame",
		    "a room's name is '#' and up to 64 of a-z 0-9 . _ -");
		return;
	}
	op.room_create.creator = s->account;
	op.room_create.open = f.open;
	op.room_create.name = f.room;
	op.room_create.topic = f.topic;
	op.room_create.history = f.history;
	op.room_create.limit = s->loop->settings->limits.rooms_max;
	op.room_create.account_limit =
	    s->loop->settings->limits.rooms_per_account;
	submit(s, f.ref, &op);
}

/* A room by its name, for an operation; false when the ERROR is sent. */
static bool find(
    struct sess *s, uint64_t ref, struct sn_bytes name, struct room *room)
{
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = loop_read(s->loop, &txn)) == SN_OK)
		err = room_find(txn, name, room);
	if (err != SN_OK)
		sess_error_of(s, ref, err);
	return (err == SN_OK);
}

static void change_self(
    struct sess *s, const struct sn_frame *frame, enum op_member_change change)
{
	struct op op = { .kind = OP_ROOM_MEMBER };
	struct sn_frame plain = *frame;
	struct sn_frame_room_join f;
	struct room room;

	/* JOIN and LEAVE have the same fields. */
	plain.type = SN_FRAME_ROOM_JOIN;
	if (!sn_frame_get_room_join(&plain, &f)) {
		dispatch_bad(s, frame, "this frame needs ref and room");
		return;
	}
	if (!find(s, f.ref, f.room, &room))
		return;
	op.room_member.room = room.id;
	op.room_member.account = s->account;
	op.room_member.by = s->account;
	op.room_member.change = change;
	op.room_member.limit = s->loop->settings->limits.members_max;
	op.room_member.account_limit =
	    s->loop->settings->limits.rooms_per_account;
	submit(s, f.ref, &op);
}

void rooms_on_join(struct sess *s, const struct sn_frame *frame)
{
	change_self(s, frame, OP_JOIN);
}

void rooms_on_leave(struct sess *s, const struct sn_frame *frame)
{
	change_self(s, frame, OP_LEAVE);
}

static enum sn_err find_account(
    struct sess *s, struct sn_bytes name, uint64_t *id)
{
	struct account account;
	struct sn_txn *txn;
	enum sn_err err;

	if (!sn_name_account(name))
		return (SN_ENOTFOUND);
	if ((err = loop_read(s->loop, &txn)) != SN_OK ||
	    (err = account_find(txn, name, &account)) != SN_OK)
		return (err);
	*id = account.id;
	return (SN_OK);
}

/* Somebody in the room does something to somebody else's place in it. */
static void change_member(struct sess *s, uint64_t ref, struct sn_bytes name,
    struct sn_bytes account, enum op_member_change change)
{
	struct op op = { .kind = OP_ROOM_MEMBER };
	struct room_member member;
	struct sn_txn *txn;
	struct room room;
	enum sn_err err;

	if (!find(s, ref, name, &room))
		return;
	/* Whether the account exists is told to members only. */
	if ((err = loop_read(s->loop, &txn)) != SN_OK ||
	    (err = room_member(txn, room.id, s->account, &member)) != SN_OK ||
	    (err = find_account(s, account, &op.room_member.account)) !=
		SN_OK) {
		sess_error_of(s, ref, err);
		return;
	}
	op.room_member.room = room.id;
	op.room_member.by = s->account;
	op.room_member.change = change;
	op.room_member.limit = s->loop->settings->limits.members_max;
	op.room_member.account_limit =
	    s->loop->settings->limits.rooms_per_account;
	submit(s, ref, &op);
}

static void change_other(
    struct sess *s, const struct sn_frame *frame, enum op_member_change change)
{
	struct sn_frame plain = *frame;
	struct sn_frame_room_invite f;

	/* INVITE and REMOVE have the same fields. */
	plain.type = SN_FRAME_ROOM_INVITE;
	if (!sn_frame_get_room_invite(&plain, &f))
		dispatch_bad(s, frame, "this frame needs ref, room, account");
	else
		change_member(s, f.ref, f.room, f.account, change);
}

void rooms_on_invite(struct sess *s, const struct sn_frame *frame)
{
	change_other(s, frame, OP_INVITE);
}

void rooms_on_remove(struct sess *s, const struct sn_frame *frame)
{
	change_other(s, frame, OP_REMOVE);
}

void rooms_on_topic(struct sess *s, const struct sn_frame *frame)
{
	struct op op = { .kind = OP_ROOM_TOPIC };
	struct sn_frame_room_topic f;
	struct room room;

	if (!sn_frame_get_room_topic(frame, &f)) {
		dispatch_bad(s, frame, "ROOM_TOPIC needs ref, room, topic");
		return;
	}
	if (!find(s, f.ref, f.room, &room))
		return;
	op.room_topic.room = room.id;
	op.room_topic.by = s->account;
	op.room_topic.topic = f.topic;
	submit(s, f.ref, &op);
}

void rooms_on_role(struct sess *s, const struct sn_frame *frame)
{
	struct sn_frame_room_role f;
	bool owner, member;

	if (!sn_frame_get_room_role(frame, &f)) {
		dispatch_bad(
		    s, frame, "ROOM_ROLE needs ref, room, account, role");
		return;
	}
	owner = sn_bytes_equal(f.role, sn_bytes_of("owner"));
	member = sn_bytes_equal(f.role, sn_bytes_of("member"));
	if (!owner && !member)
		sess_error(s, &f.ref, "bad-frame",
		    "a role is \"owner\" or \"member\"");
	else
		change_member(s, f.ref, f.room, f.account,
		    owner ? OP_APPOINT : OP_DISMISS);
}

void rooms_on_history(struct sess *s, const struct sn_frame *frame)
{
	struct op op = { .kind = OP_ROOM_HISTORY };
	struct sn_frame_room_history f;
	struct room room;

	if (!sn_frame_get_room_history(frame, &f)) {
		dispatch_bad(s, frame, "ROOM_HISTORY needs ref, room, open");
		return;
	}
	if (!find(s, f.ref, f.room, &room))
		return;
	op.room_history.room = room.id;
	op.room_history.by = s->account;
	op.room_history.open = f.open;
	submit(s, f.ref, &op);
}

void rooms_on_delete(struct sess *s, const struct sn_frame *frame)
{
	struct op op = { .kind = OP_ROOM_DELETE };
	struct sn_frame_room_delete f;
	struct room room;

	if (!sn_frame_get_room_delete(frame, &f)) {
		dispatch_bad(s, frame, "ROOM_DELETE needs ref and room");
		return;
	}
	if (!find(s, f.ref, f.room, &room))
		return;
	op.room_delete.room = room.id;
	op.room_delete.by = s->account;
	submit(s, f.ref, &op);
}

void rooms_answer(struct sess *s, const struct oplog_request *q)
{
	if (!sess_answer_refused(s, q))
		sess_answer_done(s, q->ref, q->applied.seq);
}
