#include "server/oplog/retention.h"

#include "server/oplog/db.h"
#include "server/oplog/message.h"

#define ROWS_A_CALL 1000
#define ROOMS_A_CALL 200

static void add(struct retention_pick *pick, uint64_t seq)
{
	struct sn_wr w = sn_wr_over(pick->seqs, sizeof(pick->seqs));

	w.n = (size_t)pick->count * sizeof(seq);
	sn_wr_u64(&w, seq);
	pick->count++;
}

static uint64_t before(uint64_t now, uint64_t age)
{
	return (now > age ? now - age : 0);
}

/* What cannot be forgotten would be picked again and again; a check tells of
 * it. */
static enum sn_err can_be_forgotten(struct sn_txn *txn, uint64_t seq, bool *can)
{
	struct db_key place = db_key1(seq);
	struct sn_bytes row;
	struct op op;
	enum sn_err err = sn_txn_get(txn, DB_LOG, db_bytes(&place), &row);

	*can = err == SN_OK && op_decode(row, &op) == SN_OK &&
	       op.kind == OP_MESSAGE;
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

enum sn_err retention_expired(
    struct sn_txn *txn, uint64_t now, struct retention_pick *pick)
{
	struct sn_bytes key, value;
	struct sn_cursor *c;
	enum sn_err err;

	pick->count = 0;
	if ((err = sn_cursor_open(txn, DB_EXPIRES, &c)) != SN_OK)
		return (err);
	err = sn_cursor_first(c, &key, &value);
	while (err == SN_OK && pick->count < OP_FORGET_MAX) {
		struct sn_rd r = sn_rd_over(key.p, key.n);
		uint64_t seq;
		bool can;

		if (sn_rd_u64(&r) > now)
			break;
		seq = sn_rd_u64(&r);
		if ((err = can_be_forgotten(txn, seq, &can)) != SN_OK)
			break;
		if (can)
			add(pick, seq);
		err = sn_cursor_next(c, &key, &value);
	}
	sn_cursor_close(c);
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

/* A walk along the log, or along a room, and what it still has to free. */
struct walk {
	uint64_t cutoff; /* What is older goes. */
	uint64_t excess; /* Bytes that go, whatever their age. */
	struct retention_pick *pick;
};

/* True when the walk is over: the rest may stay. */
static bool look(struct walk *w, uint64_t seq, struct sn_bytes row)
{
	struct op op;

	/* Damage is not ours to remove, and tells no time. */
	if (op_decode(row, &op) != SN_OK)
		return (false);
	if (op.time >= w->cutoff && w->excess == 0)
		return (true);
	if (op.kind != OP_MESSAGE)
		return (false);
	add(w->pick, seq);
	w->excess -= row.n < w->excess ? row.n : w->excess;
	return (false);
}

static enum sn_err walk_log(struct sn_txn *txn, struct walk *w, uint64_t *at)
{
	struct db_key from = db_key1(*at);
	struct sn_bytes key, row;
	struct sn_cursor *c;
	uint64_t seq;
	enum sn_err err;

	if ((err = sn_cursor_open(txn, DB_LOG, &c)) != SN_OK)
		return (err);
	err = sn_cursor_seek(c, db_bytes(&from), &key, &row);
	for (unsigned n = 0; err == SN_OK && n < ROWS_A_CALL; n++) {
		if (w->pick->count == OP_FORGET_MAX ||
		    (err = db_u64(key, &seq)) != SN_OK || look(w, seq, row))
			break;
		*at = seq + 1;
		err = sn_cursor_next(c, &key, &row);
	}
	sn_cursor_close(c);
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

static enum sn_err excess_of(struct sn_txn *txn, enum usage_of of, uint64_t id,
    uint64_t limit, uint64_t *out)
{
	struct usage usage;
	enum sn_err err;

	*out = 0;
	if (limit == 0)
		return (SN_OK);
	if ((err = usage_get(txn, of, id, &usage)) != SN_OK)
		return (err);
	if (usage.bytes > limit)
		*out = usage.bytes - limit;
	return (SN_OK);
}

enum sn_err retention_oldest(struct sn_txn *txn, const struct retention *policy,
    uint64_t now, uint64_t *at, struct retention_pick *pick)
{
	struct walk w = { .pick = pick };
	enum sn_err err;

	pick->count = 0;
	if (policy->age != 0)
		w.cutoff = before(now, policy->age);
	err = excess_of(txn, USAGE_SERVER, 0, policy->bytes, &w.excess);
	if (err != SN_OK || (w.cutoff == 0 && w.excess == 0))
		return (err);
	return (walk_log(txn, &w, at));
}

/* It is told, and left to a check. */
static void pass_over(struct retention_pick *pick, uint64_t room, uint64_t seq)
{
	pick->damaged++;
	pick->damaged_room = room;
	pick->damaged_seq = seq;
}

static bool is_damage(enum sn_err err)
{
	return (err == SN_ECORRUPT || err == SN_ENEWER);
}

static enum sn_err walk_room(struct sn_txn *txn, struct walk *w, uint64_t room)
{
	struct db_key from = db_key2(room, 0), place;
	struct sn_bytes key, nothing, row;
	struct sn_cursor *c;
	uint64_t seq;
	enum sn_err err;

	if ((err = sn_cursor_open(txn, DB_ROOM_INDEX, &c)) != SN_OK)
		return (err);
	err = sn_cursor_seek(c, db_bytes(&from), &key, &nothing);
	while (err == SN_OK && w->pick->count < OP_FORGET_MAX) {
		struct sn_rd r = sn_rd_over(key.p, key.n);

		if (sn_rd_u64(&r) != room)
			break;
		seq = sn_rd_u64(&r);
		place = db_key1(seq);
		err = sn_txn_get(txn, DB_LOG, db_bytes(&place), &row);
		if (err == SN_ENOTFOUND) {
			/* The index alone has it. */
			pass_over(w->pick, room, seq);
		} else if (err != SN_OK || look(w, seq, row)) {
			break;
		}
		err = sn_cursor_next(c, &key, &nothing);
	}
	sn_cursor_close(c);
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

static enum sn_err look_at_room(struct sn_txn *txn,
    const struct retention *policy, uint64_t now, uint64_t room,
    struct retention_pick *pick)
{
	struct limit limit = { .bytes = policy->room_bytes };
	struct walk w = { .pick = pick };
	struct room of;
	enum sn_err err;

	err = limit_own(txn, USAGE_ROOM, room, &limit);
	if (err == SN_ENOTFOUND)
		limit = (struct limit){ .bytes = policy->room_bytes };
	else if (err != SN_OK)
		return (err);
	if (limit.age != 0)
		w.cutoff = before(now, limit.age);
	err = excess_of(txn, USAGE_ROOM, room, limit.bytes, &w.excess);
	if (err != SN_OK || (err = room_get(txn, room, &of)) != SN_OK)
		return (err == SN_ENOTFOUND ? SN_OK : err);
	/* Nobody can read it any more. */
	if (of.kind == ROOM_DELETED)
		w.excess = UINT64_MAX;
	if (w.cutoff == 0 && w.excess == 0)
		return (err);
	return (walk_room(txn, &w, room));
}

/* Rooms that hold messages are those that USAGE has a row of. */
enum sn_err retention_rooms(struct sn_txn *txn, const struct retention *policy,
    uint64_t now, uint64_t *room, struct retention_pick *pick)
{
	struct db_key from = db_key2(USAGE_ROOM, *room);
	struct sn_bytes key, value;
	struct sn_cursor *c;
	enum sn_err err;
	unsigned n = 0;

	pick->count = pick->damaged = 0;
	if ((err = sn_cursor_open(txn, DB_USAGE, &c)) != SN_OK)
		return (err);
	err = sn_cursor_seek(c, db_bytes(&from), &key, &value);
	for (; err == SN_OK && n < ROOMS_A_CALL; n++) {
		struct sn_rd r = sn_rd_over(key.p, key.n);

		if (sn_rd_u64(&r) != USAGE_ROOM) {
			err = SN_ENOTFOUND;
			break;
		}
		*room = sn_rd_u64(&r);
		err = look_at_room(txn, policy, now, *room, pick);
		if (is_damage(err) && sn_txn_error(txn) == SN_OK) {
			pass_over(pick, *room, 0);
			err = SN_OK;
		}
		/* The same room again: there may be more in it. */
		if (err != SN_OK || pick->count > 0)
			break;
		++*room;
		err = sn_cursor_next(c, &key, &value);
	}
	sn_cursor_close(c);
	if (err != SN_ENOTFOUND)
		return (err);
	*room = 0;
	return (SN_OK);
}

enum sn_err retention_horizon(struct sn_txn *txn,
    const struct retention *policy, uint64_t now, uint64_t *to)
{
	uint64_t purged, found;
	enum sn_err err;

	*to = 0;
	if ((err = db_meta(txn, DB_META_PURGED, &purged)) != SN_OK ||
	    (err = message_before(txn, before(now, policy->dedupe), &found)) !=
		SN_OK)
		return (err);
	if (found > purged)
		*to = found;
	return (SN_OK);
}
