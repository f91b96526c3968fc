#include "server/oplog/apply_forget.h"

#include <string.h>

#include "server/base/record.h"
#include "server/oplog/db.h"
#include "server/oplog/dedupe.h"

#define ROW_MAX 64 /* A tombstone. */

static enum sn_err room_of(
    struct sn_txn *txn, const struct op_message *m, uint64_t *room)
{
	if (!m->direct) {
		*room = m->target;
		return (SN_OK);
	}
	return (apply_must(room_direct(txn, m->sender, m->target, room)));
}

static enum sn_err uncount(struct sn_txn *txn, struct tally *tally,
    enum usage_of of, uint64_t id, size_t bytes)
{
	struct tally_entry *e;
	enum sn_err err;

	if ((err = tally_entry(tally, txn, of, id, &e)) != SN_OK)
		return (err);
	if (e->usage.messages == 0 || e->usage.bytes < bytes)
		return (SN_ECORRUPT);
	e->usage.messages--;
	e->usage.bytes -= bytes;
	return (SN_OK);
}

static enum sn_err delete (
    struct sn_txn *txn, enum db_table table, const struct db_key *key) {
	enum sn_err err = sn_txn_delete(txn, table, db_bytes(key));

	return (err == SN_ENOTFOUND ? SN_OK : err);
}

/* The row as it says no more than that a message was here. */
static enum sn_err bury(struct sn_txn *txn, struct tally *tally,
    const struct op *message, uint64_t seq)
{
	struct op grave = { .kind = OP_FORGOTTEN, .time = message->time };
	struct db_key key = db_key1(seq);
	uint8_t space[ROW_MAX];
	struct sn_wr w = sn_wr_over(space, sizeof(space));
	struct sn_bytes row;

	grave.forgotten.sender = message->message.sender;
	memcpy(grave.forgotten.id, message->message.id, SN_FRAME_ID);
	op_encode(&grave, &w);
	if (w.bad)
		return (SN_EBUG);
	row = (struct sn_bytes){ space, w.n };
	tally_row(tally, seq, row, 1);
	return (sn_txn_put(txn, DB_LOG, db_bytes(&key), row));
}

static enum sn_err forget_one(
    struct sn_txn *txn, struct tally *tally, uint64_t purged, uint64_t seq)
{
	struct db_key key = db_key1(seq), place, due;
	struct sn_bytes row;
	struct op op;
	uint64_t room;
	size_t n;
	enum sn_err err;

	err = sn_txn_get(txn, DB_LOG, db_bytes(&key), &row);
	if (err != SN_OK)
		return (err == SN_ENOTFOUND ? SN_OK : err);
	/* A damaged row stays for `sicherd check` to find. */
	if (op_decode(row, &op) != SN_OK || op.kind != OP_MESSAGE)
		return (SN_OK);
	n = row.n;
	if ((err = room_of(txn, &op.message, &room)) != SN_OK ||
	    (err = uncount(txn, tally, USAGE_SERVER, 0, n)) != SN_OK ||
	    (err = uncount(txn, tally, USAGE_ACCOUNT, op.message.sender, n)) !=
		SN_OK ||
	    (err = uncount(txn, tally, USAGE_ROOM, room, n)) != SN_OK)
		return (err);
	tally_row(tally, seq, row, -1);
	/* From here on ${row} and the tail in it may move. */
	place = db_key2(room, seq);
	if ((err = delete (txn, DB_ROOM_INDEX, &place)) != SN_OK)
		return (err);
	due = db_key2(op.message.expires, seq);
	if (op.message.expires != 0 &&
	    (err = delete (txn, DB_EXPIRES, &due)) != SN_OK)
		return (err);
	if (seq <= purged)
		return (delete (txn, DB_LOG, &key));
	return (bury(txn, tally, &op, seq));
}

enum sn_err apply_forget(
    struct sn_txn *txn, struct tally *tally, const struct op *op)
{
	struct sn_rd r = sn_rd_over(op->forget.seqs.p, op->forget.seqs.n);
	uint64_t purged;
	enum sn_err err;

	if (r.left % sizeof(uint64_t) != 0)
		return (SN_EINVAL);
	if ((err = db_meta(txn, DB_META_PURGED, &purged)) != SN_OK)
		return (err);
	while (r.left > 0) {
		err = forget_one(txn, tally, purged, sn_rd_u64(&r));
		if (err != SN_OK)
			return (apply_must(err));
	}
	return (SN_OK);
}

/* The row under the cursor has passed the horizon. */
static enum sn_err purge_row(struct sn_txn *txn, struct tally *tally,
    struct sn_cursor *c, uint64_t seq, struct sn_bytes row)
{
	struct dedupe_key id;
	struct op op;
	bool sent, stays;
	enum sn_err err;

	if (op_decode(row, &op) != SN_OK)
		return (SN_OK);
	stays = op.kind == OP_MESSAGE;
	sent = stays || op.kind == OP_FORGOTTEN;
	if (stays)
		id = dedupe_key(op.message.id, op.message.sender);
	else if (sent)
		id = dedupe_key(op.forgotten.id, op.forgotten.sender);
	if (!stays) {
		tally_row(tally, seq, row, -1);
		if ((err = sn_cursor_delete(c)) != SN_OK)
			return (err);
	}
	if (!sent)
		return (SN_OK);
	err = sn_txn_delete(
	    txn, DB_DEDUPE, (struct sn_bytes){ id.bytes, sizeof(id.bytes) });
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

static enum sn_err purge_rows(struct sn_txn *txn, struct tally *tally,
    struct sn_cursor *c, const struct op_purge *p, uint64_t *purged)
{
	struct db_key from = db_key1(*purged + 1);
	struct sn_bytes key, row;
	uint64_t seq;
	enum sn_err err;

	err = sn_cursor_seek(c, db_bytes(&from), &key, &row);
	for (uint64_t n = 0; err == SN_OK && n < p->rows; n++) {
		if ((err = db_u64(key, &seq)) != SN_OK)
			return (err);
		if (seq > p->to)
			break;
		if ((err = purge_row(txn, tally, c, seq, row)) != SN_OK)
			return (err);
		*purged = seq;
		err = sn_cursor_next(c, &key, &row);
		if (err == SN_OK && n + 1 == p->rows)
			return (SN_OK);
	}
	if (err != SN_OK && err != SN_ENOTFOUND)
		return (err);
	*purged = p->to;
	return (SN_OK);
}

enum sn_err apply_purge(
    struct sn_txn *txn, struct tally *tally, const struct op *op)
{
	struct sn_cursor *c;
	uint64_t purged;
	enum sn_err err;

	if (op->purge.rows == 0)
		return (SN_EINVAL);
	if ((err = db_meta(txn, DB_META_PURGED, &purged)) != SN_OK)
		return (err);
	if (op->purge.to <= purged)
		return (SN_OK);
	if ((err = sn_cursor_open(txn, DB_LOG, &c)) != SN_OK)
		return (err);
	err = purge_rows(txn, tally, c, &op->purge, &purged);
	sn_cursor_close(c);
	if (err != SN_OK)
		return (apply_must(err));
	return (db_meta_set(txn, DB_META_PURGED, purged));
}

enum sn_err apply_limit(
    struct sn_txn *txn, struct tally *tally, const struct op *op)
{
	const struct op_limit *l = &op->limit;
	struct account account;
	struct room room;
	enum sn_err err = SN_OK;

	if (l->of == USAGE_ACCOUNT && l->id != 0)
		err = account_get(txn, l->id, &account);
	else if (l->of == USAGE_ROOM && l->id != 0)
		err = room_get(txn, l->id, &room);
	if (err != SN_OK)
		return (err);
	tally_limits_changed(tally);
	return (limit_put(txn, l->of, l->id, l->set ? &l->limit : NULL));
}
