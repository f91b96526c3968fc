#include "server/net/room_events.h"

#include "lib/log.h"
#include "server/net/followers.h"
#include "server/oplog/account.h"

/* The frame, built once a loop. */
struct event {
	struct sn_bytes frame;
	uint8_t space[512];
};

static const char *change_word(const struct op *op)
{
	static const char *const members[] = {
		[OP_JOIN] = "joined",
		[OP_LEAVE] = "left",
		[OP_INVITE] = "joined",
		[OP_REMOVE] = "left",
		[OP_APPOINT] = "owner",
		[OP_DISMISS] = "member",
	};

	switch (op->kind) {
	case OP_ROOM_CREATE:
		return ("joined");
	case OP_ROOM_MEMBER:
		return (members[op->room_member.change]);
	case OP_ROOM_TOPIC:
		return ("topic");
	case OP_ROOM_HISTORY:
		return ("history");
	default:
		return ("deleted");
	}
}

static enum sn_err build(struct loop *loop, const struct oplog_request *q,
    const char *change, uint64_t who, struct event *e)
{
	struct sn_frame_room_changed f = { .seq = q->applied.seq,
		.change = sn_bytes_of(change) };
	struct sn_wr w = sn_wr_over(e->space, sizeof(e->space));
	struct account account = { .name = "" };
	struct sn_txn *txn;
	struct room room;
	enum sn_err err;

	if ((err = loop_read_fresh(loop, &txn)) != SN_OK ||
	    (err = room_get(txn, q->applied.room, &room)) != SN_OK)
		return (err);
	if (who != 0 && (err = account_get(txn, who, &account)) != SN_OK)
		return (err);
	f.room = sn_bytes_of(room.name);
	f.account = sn_bytes_of(account.name);
	sn_frame_put_room_changed(&w, &f);
	e->frame = (struct sn_bytes){ w.p, w.n };
	return (w.bad ? SN_EBUG : SN_OK);
}

static void hear(struct sess *s, const void *arg)
{
	const struct event *e = arg;

	if ((s->features & SN_FEATURE_ROOMS) && s->state == SESS_READY &&
	    sess_room(s))
		sess_put_bytes(s, e->frame);
}

static void tell(struct loop *loop, const struct oplog_request *q,
    const char *change, uint64_t who)
{
	struct event e;
	enum sn_err err;

	if (!followers_any(loop, q->applied.room))
		return;
	if ((err = build(loop, q, change, who, &e)) != SN_OK)
		sn_log(SN_WARN, "room.unheard", "room=%llu error=%s",
		    (unsigned long long)q->applied.room, sn_err_name(err));
	else
		followers_of_room(loop, q->applied.room, hear, &e);
}

void room_events(struct loop *loop, const struct oplog_request *q)
{
	const struct applied *a = &q->applied;
	struct op op;

	if (op_decode((struct sn_bytes){ q->data, q->len }, &op) != SN_OK)
		return;
	if (a->what == APPLIED_JOINED)
		followers_joined(loop, a->room, a->account);
	/* The last to leave takes the room along. */
	if (a->what == APPLIED_DELETED && op.kind == OP_ROOM_MEMBER)
		tell(loop, q, "left", a->account);
	tell(loop, q, a->what == APPLIED_DELETED ? "deleted" : change_word(&op),
	    a->account);
	if (a->what == APPLIED_LEFT) {
		followers_left(loop, a->room, a->account);
		if (a->other != 0)
			tell(loop, q, "owner", a->other);
	}
	if (a->what == APPLIED_DELETED)
		followers_ended(loop, a->room);
}
