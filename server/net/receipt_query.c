#include "server/net/conversation.h"
#include "server/net/cursors.h"
#include "server/net/dispatch.h"
#include "server/net/net_impl.h"
#include "server/net/receipt_post.h"
#include "server/net/sess_answer.h"
#include "server/net/sess_error.h"
#include "server/oplog/account.h"
#include "server/oplog/db_walk.h"
#include "server/oplog/device.h"

/* Up to where one member has got the room's messages. */
struct reach {
	struct sn_cursor *index;
	uint64_t room, joined;
	uint64_t seq; /* 0: nothing. */
	enum sn_err err;
};

static void reach_of_cursor(void *arg, uint64_t seq, uint64_t start)
{
	struct reach *r = arg;
	uint64_t last;
	enum sn_err err = conversation_last(r->index, r->room, seq, &last);

	if (err == SN_OK && last > start && last >= r->joined && last > r->seq)
		r->seq = last;
	if (err != SN_OK && err != SN_ENOTFOUND)
		r->err = err;
}

static enum sn_err reach_of(
    struct net *net, struct sn_txn *txn, uint64_t account, struct reach *r)
{
	struct device d = { .account = account };
	bool found;
	enum sn_err err;

	for (;;) {
		err = device_next(txn, account, &d, &found);
		if (err == SN_OK && found)
			err = cursors_each(net->cursors, txn, d.fingerprint,
			    reach_of_cursor, r);
		if (err != SN_OK || !found)
			return (err != SN_OK ? err : r->err);
	}
}

static void put(
    struct sess *s, const struct sn_frame_receipt *f, uint64_t *count)
{
	struct sn_wr w;

	if (f->seq == 0)
		return;
	w = sess_put(s, RECEIPT_FRAME);
	sn_frame_put_receipt(&w, f);
	sess_put_end(s, &w);
	++*count;
}

/* Both receipts of one member; of oneself what was read. */
static enum sn_err put_member(struct sess *s, struct sn_txn *txn,
    struct sn_cursor *index, const struct conversation *c,
    struct sn_frame_receipt *f, uint64_t id, uint64_t *count)
{
	struct reach reach = { .index = index, .room = c->room.id };
	struct room_member member;
	struct account account;
	enum sn_err err;

	if ((err = account_get(txn, id, &account)) != SN_OK ||
	    (err = room_member(txn, c->room.id, id, &member)) != SN_OK)
		return (err);
	f->account = sn_bytes_of(account.name);
	reach.joined = member.joined;
	if (id != s->account) {
		err = reach_of(s->loop->net, txn, id, &reach);
		f->kind = sn_bytes_of("delivered");
		f->seq = reach.seq;
		put(s, f, count);
	}
	if (err != SN_OK)
		return (err);
	f->kind = sn_bytes_of("read");
	err = reads_get(s->loop->net->reads, txn, c->room.id, id, &f->seq);
	if (err == SN_OK)
		put(s, f, count);
	return (err);
}

static enum sn_err put_members(struct sess *s, struct sn_txn *txn,
    const struct conversation *c, struct sn_frame_receipt *f, uint64_t *count)
{
	struct sn_cursor *index;
	struct db_walk walk;
	uint64_t id;
	enum sn_err err;

	if ((err = sn_cursor_open(txn, DB_ROOM_INDEX, &index)) != SN_OK)
		return (err);
	db_walk_open(&walk, txn, DB_MEMBERS, c->room.id, 0);
	while (err == SN_OK && db_walk_next(&walk, &id))
		err = put_member(s, txn, index, c, f, id, count);
	sn_cursor_close(index);
	return (db_walk_close(&walk, err));
}

void receipt_query_on_receipts(struct sess *s, const struct sn_frame *frame)
{
	struct sn_frame_receipt one;
	struct sn_frame_end end = { .count = 0 };
	struct sn_frame_receipts f;
	struct conversation c;
	struct sn_txn *txn;
	enum sn_err err;

	if (!sn_frame_get_receipts(frame, &f)) {
		dispatch_bad(s, frame, "RECEIPTS needs ref and target");
		return;
	}
	one =
	    (struct sn_frame_receipt){ .ref = { true, f.ref }, .with = f.with };
	if ((err = loop_read(s->loop, &txn)) == SN_OK)
		err = conversation_find(txn, s->account, f.with, &c);
	if (err == SN_OK && c.room.id != 0) {
		if (c.room.members > s->loop->settings->limits.small_room) {
			limits_error(s, f.ref, LIMITS_SMALL_ROOM);
			return;
		}
		err = put_members(s, txn, &c, &one, &end.count);
	}
	if (err != SN_OK) {
		sess_error_of(s, f.ref, err);
		return;
	}
	end.ref = f.ref;
	sess_answer_end(s, &end);
}
