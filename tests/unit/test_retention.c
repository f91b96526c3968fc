#include "server/base/clock_guard.h"
#include "server/base/record.h"
#include "server/oplog/dedupe.h"
#include "server/oplog/message.h"
#include "server/oplog/retention.h"
#include "tests/unit/oplog_world.h"

#define DAY UINT64_C(86400000)

/* A message of alice's to bob, at a time, with an end. */
static enum sn_err send_at(struct world *w, uint8_t id, uint64_t time,
    uint64_t expires, struct applied *out)
{
	struct op op = { .kind = OP_MESSAGE, .time = time };

	op.message.sender = 1;
	op.message.direct = true;
	op.message.target = 2;
	op.message.expires = expires;
	memset(op.message.id, id, sizeof(op.message.id));
	op.message.tail = sn_bytes_of("a tail");
	return (run(w, &op, out));
}

static void two(struct world *w)
{
	assert_int_equal(add(w, 1, "alice"), SN_OK);
	assert_int_equal(add(w, 2, "bob"), SN_OK);
}

static enum sn_err forget(struct world *w, const struct retention_pick *pick)
{
	struct op op = { .kind = OP_FORGET, .time = 1 };
	struct applied out;

	op.forget.seqs = (struct sn_bytes){ pick->seqs, 8U * pick->count };
	return (run(w, &op, &out));
}

static struct retention_pick just(uint64_t seq)
{
	struct retention_pick pick = { .count = 1 };
	struct sn_wr w = sn_wr_over(pick.seqs, sizeof(pick.seqs));

	sn_wr_u64(&w, seq);
	return (pick);
}

static enum sn_err purge(struct world *w, uint64_t to, uint64_t rows)
{
	struct op op = { .kind = OP_PURGE, .time = 1 };
	struct applied out;

	op.purge.to = to;
	op.purge.rows = rows;
	return (run(w, &op, &out));
}

static struct sn_txn *reading(struct world *w)
{
	struct sn_txn *txn;

	assert_int_equal(sn_txn_read(w->store, &txn), SN_OK);
	return (txn);
}

static uint64_t rows(struct world *w, enum db_table table)
{
	struct sn_txn *txn = reading(w);
	uint64_t n;

	assert_int_equal(sn_txn_count(txn, table, &n), SN_OK);
	sn_txn_abort(txn);
	return (n);
}

static struct usage used(struct world *w, enum usage_of of, uint64_t id)
{
	struct sn_txn *txn = reading(w);
	struct usage usage;

	assert_int_equal(usage_get(txn, of, id, &usage), SN_OK);
	sn_txn_abort(txn);
	return (usage);
}

/* The log's rows and sum are what META says. */
static void assert_counted(struct world *w)
{
	struct sn_txn *txn = reading(w);
	uint64_t n = 0, sum = 0, said, seq;
	struct sn_bytes key, row;
	struct sn_cursor *c;
	enum sn_err err;

	assert_int_equal(sn_cursor_open(txn, DB_LOG, &c), SN_OK);
	for (err = sn_cursor_first(c, &key, &row); err == SN_OK;
	     err = sn_cursor_next(c, &key, &row)) {
		assert_int_equal(db_u64(key, &seq), SN_OK);
		sum += tally_mark(seq, row);
		n++;
	}
	sn_cursor_close(c);
	assert_int_equal(db_meta(txn, DB_META_LOG_ROWS, &said), SN_OK);
	assert_int_equal(said, n);
	assert_int_equal(db_meta(txn, DB_META_LOG_SUM, &said), SN_OK);
	assert_true(said == sum);
	sn_txn_abort(txn);
}

static bool is_there(struct world *w, uint64_t seq)
{
	struct sn_txn *txn = reading(w);
	struct message m;
	enum sn_err err = message_get(txn, seq, &m);

	assert_true(err == SN_OK || err == SN_ENOTFOUND);
	sn_txn_abort(txn);
	return (err == SN_OK);
}

static void a_forgotten_message_is_gone_but_its_id_is_known(void **state)
{
	struct world *w = *state;
	struct applied first, second, again;
	struct retention_pick pick;

	two(w);
	assert_int_equal(send_at(w, 1, 1000, 0, &first), SN_OK);
	assert_int_equal(send_at(w, 2, 1000, 0, &second), SN_OK);
	pick = just(first.seq);
	assert_int_equal(forget(w, &pick), SN_OK);
	assert_false(is_there(w, first.seq));
	assert_true(is_there(w, second.seq));
	assert_int_equal(rows(w, DB_ROOM_INDEX), 1);
	assert_int_equal(send_at(w, 1, 2000, 0, &again), SN_OK);
	assert_true(again.duplicate);
	assert_int_equal(again.seq, first.seq);
	assert_int_equal(again.time, 1000);
	assert_counted(w);
}

static void forgetting_twice_or_what_is_no_message_changes_nothing(void **state)
{
	struct world *w = *state;
	struct retention_pick pick;
	struct applied out;

	two(w);
	assert_int_equal(send_at(w, 1, 1000, 0, &out), SN_OK);
	pick = just(out.seq);
	assert_int_equal(forget(w, &pick), SN_OK);
	assert_int_equal(forget(w, &pick), SN_OK);
	pick = just(1); /* An account's. */
	assert_int_equal(forget(w, &pick), SN_OK);
	pick = just(UINT64_MAX);
	assert_int_equal(forget(w, &pick), SN_OK);
	assert_int_equal(used(w, USAGE_SERVER, 0).messages, 0);
	assert_int_equal(rows(w, DB_ACCOUNTS), 2);
	assert_counted(w);
}

static void an_id_is_forgotten_only_past_the_horizon(void **state)
{
	struct world *w = *state;
	struct retention_pick pick;
	struct applied first, second, again;

	two(w);
	assert_int_equal(send_at(w, 1, 1000, 0, &first), SN_OK);
	assert_int_equal(send_at(w, 2, 1000, 0, &second), SN_OK);
	pick = just(first.seq);
	assert_int_equal(forget(w, &pick), SN_OK);
	assert_int_equal(purge(w, first.seq, 100), SN_OK);
	assert_int_equal(send_at(w, 2, 2000, 0, &again), SN_OK);
	assert_true(again.duplicate);
	assert_int_equal(send_at(w, 1, 2000, 0, &again), SN_OK);
	assert_false(again.duplicate);
	/* The message itself stays when its id goes. */
	assert_int_equal(purge(w, second.seq, 100), SN_OK);
	assert_true(is_there(w, second.seq));
	assert_int_equal(send_at(w, 2, 3000, 0, &again), SN_OK);
	assert_false(again.duplicate);
	/* And leaves nothing behind when it goes later. */
	pick = just(second.seq);
	assert_int_equal(forget(w, &pick), SN_OK);
	assert_false(is_there(w, second.seq));
	assert_counted(w);
}

static void the_horizon_moves_in_steps_and_never_back(void **state)
{
	struct world *w = *state;
	struct applied out;
	struct sn_txn *txn;
	uint64_t purged;

	two(w);
	for (uint8_t i = 1; i <= 10; i++)
		assert_int_equal(send_at(w, i, i, 0, &out), SN_OK);
	assert_int_equal(purge(w, out.seq, 5), SN_OK);
	txn = reading(w);
	assert_int_equal(db_meta(txn, DB_META_PURGED, &purged), SN_OK);
	sn_txn_abort(txn);
	assert_int_equal(purged, 5);
	assert_int_equal(rows(w, DB_DEDUPE), 7);
	assert_int_equal(purge(w, out.seq, 100), SN_OK);
	assert_int_equal(rows(w, DB_DEDUPE), 0);
	assert_int_equal(purge(w, 2, 100), SN_OK);
	txn = reading(w);
	assert_int_equal(db_meta(txn, DB_META_PURGED, &purged), SN_OK);
	sn_txn_abort(txn);
	assert_int_equal(purged, out.seq);
	assert_int_equal(purge(w, UINT64_MAX, 0), SN_EINVAL);
	assert_counted(w);
}

static void a_ttl_ends_at_its_time_and_not_before(void **state)
{
	struct world *w = *state;
	struct retention_pick pick;
	struct applied a, b;
	struct sn_txn *txn;
	struct message m;

	two(w);
	assert_int_equal(send_at(w, 1, 1000, 5000, &a), SN_OK);
	assert_int_equal(send_at(w, 2, 1000, 0, &b), SN_OK);
	txn = reading(w);
	assert_int_equal(retention_expired(txn, 4999, &pick), SN_OK);
	assert_int_equal(pick.count, 0);
	assert_int_equal(retention_expired(txn, 5000, &pick), SN_OK);
	assert_int_equal(pick.count, 1);
	assert_int_equal(message_get(txn, a.seq, &m), SN_OK);
	assert_false(message_expired(&m, 4999));
	assert_true(message_expired(&m, 5000));
	assert_false(message_expired(&m, 0));
	assert_int_equal(message_get(txn, b.seq, &m), SN_OK);
	assert_false(message_expired(&m, UINT64_MAX));
	sn_txn_abort(txn);
	assert_int_equal(forget(w, &pick), SN_OK);
	assert_false(is_there(w, a.seq));
	assert_true(is_there(w, b.seq));
	assert_int_equal(rows(w, DB_EXPIRES), 0);
	assert_counted(w);
}

/* What cannot be forgotten would be picked for ever, and each round is a row
 * of the log. */
static void a_damaged_message_whose_ttl_is_over_is_left_for_the_check(
    void **state)
{
	struct world *w = *state;
	struct applied damaged, missing, sound;
	struct retention_pick pick, only;
	struct sn_bytes row;
	struct sn_txn *txn;
	struct db_key key;
	uint8_t bad[256];

	two(w);
	assert_int_equal(send_at(w, 1, 1000, 2000, &damaged), SN_OK);
	assert_int_equal(send_at(w, 2, 1000, 2000, &missing), SN_OK);
	assert_int_equal(send_at(w, 3, 1000, 2000, &sound), SN_OK);
	assert_int_equal(sn_txn_write(w->store, &txn), SN_OK);
	key = db_key1(damaged.seq);
	assert_int_equal(sn_txn_get(txn, DB_LOG, db_bytes(&key), &row), SN_OK);
	assert_in_range(row.n, 1, sizeof(bad));
	memcpy(bad, row.p, row.n);
	bad[row.n / 2] ^= 1;
	row.p = bad;
	assert_int_equal(sn_txn_put(txn, DB_LOG, db_bytes(&key), row), SN_OK);
	key = db_key1(missing.seq);
	assert_int_equal(sn_txn_delete(txn, DB_LOG, db_bytes(&key)), SN_OK);
	assert_int_equal(sn_txn_commit(txn), SN_OK);
	txn = reading(w);
	assert_int_equal(retention_expired(txn, 2000, &pick), SN_OK);
	sn_txn_abort(txn);
	only = just(sound.seq);
	assert_int_equal(pick.count, 1);
	assert_memory_equal(pick.seqs, only.seqs, 8);
	assert_int_equal(forget(w, &pick), SN_OK);
	txn = reading(w);
	assert_int_equal(retention_expired(txn, 2000, &pick), SN_OK);
	sn_txn_abort(txn);
	assert_int_equal(pick.count, 0);
}

static void what_is_too_old_goes_and_what_is_not_stays(void **state)
{
	struct retention policy = { .age = 100, .dedupe = 7 * DAY };
	struct world *w = *state;
	struct retention_pick pick;
	struct applied a, b;
	struct sn_txn *txn;
	uint64_t at = 0;

	two(w);
	assert_int_equal(send_at(w, 1, 5000, 0, &a), SN_OK);
	assert_int_equal(send_at(w, 2, 5100, 0, &b), SN_OK);
	txn = reading(w);
	assert_int_equal(
	    retention_oldest(txn, &policy, 5100, &at, &pick), SN_OK);
	assert_int_equal(pick.count, 0);
	assert_int_equal(
	    retention_oldest(txn, &policy, 5101, &at, &pick), SN_OK);
	sn_txn_abort(txn);
	assert_int_equal(pick.count, 1);
	assert_int_equal(forget(w, &pick), SN_OK);
	assert_false(is_there(w, a.seq));
	assert_true(is_there(w, b.seq));
}

static void without_a_policy_nothing_is_picked(void **state)
{
	struct retention policy = { .dedupe = 7 * DAY };
	struct world *w = *state;
	struct retention_pick pick;
	struct applied out;
	struct sn_txn *txn;
	uint64_t at = 0, room = 0, to;

	two(w);
	assert_int_equal(send_at(w, 1, 5000, 0, &out), SN_OK);
	txn = reading(w);
	assert_int_equal(
	    retention_oldest(txn, &policy, UINT64_MAX, &at, &pick), SN_OK);
	assert_int_equal(pick.count, 0);
	assert_int_equal(
	    retention_rooms(txn, &policy, UINT64_MAX, &room, &pick), SN_OK);
	assert_int_equal(pick.count, 0);
	assert_int_equal(retention_expired(txn, UINT64_MAX, &pick), SN_OK);
	assert_int_equal(pick.count, 0);
	/* An id is remembered for the whole time. */
	assert_int_equal(
	    retention_horizon(txn, &policy, 5000 + 7 * DAY, &to), SN_OK);
	assert_true(to < out.seq);
	assert_int_equal(
	    retention_horizon(txn, &policy, 5001 + 7 * DAY, &to), SN_OK);
	assert_int_equal(to, out.seq);
	sn_txn_abort(txn);
}

static void above_the_bytes_the_oldest_go_until_it_fits(void **state)
{
	struct retention policy = { .dedupe = 7 * DAY };
	struct world *w = *state;
	struct retention_pick pick;
	struct applied out[4];
	struct sn_txn *txn;
	uint64_t at = 0, each;

	two(w);
	for (uint8_t i = 0; i < 4; i++)
		assert_int_equal(
		    send_at(w, (uint8_t)(i + 1), 5000, 0, &out[i]), SN_OK);
	each = used(w, USAGE_SERVER, 0).bytes / 4;
	policy.bytes = 2 * each + 1;
	txn = reading(w);
	assert_int_equal(retention_oldest(txn, &policy, 1, &at, &pick), SN_OK);
	sn_txn_abort(txn);
	assert_int_equal(pick.count, 2);
	assert_int_equal(forget(w, &pick), SN_OK);
	assert_false(is_there(w, out[1].seq));
	assert_true(is_there(w, out[2].seq));
	assert_int_equal(used(w, USAGE_SERVER, 0).bytes, 2 * each);
	assert_int_equal(used(w, USAGE_ACCOUNT, 1).bytes, 2 * each);
	assert_int_equal(used(w, USAGE_ROOM, 1).bytes, 2 * each);
	at = 0;
	txn = reading(w);
	assert_int_equal(retention_oldest(txn, &policy, 1, &at, &pick), SN_OK);
	assert_int_equal(pick.count, 0);
	sn_txn_abort(txn);
}

static enum sn_err set_limit(
    struct world *w, enum usage_of of, uint64_t id, const struct limit *limit)
{
	struct op op = { .kind = OP_LIMIT, .time = 1 };
	struct applied out;

	op.limit.of = of;
	op.limit.id = id;
	op.limit.set = limit != NULL;
	if (limit != NULL)
		op.limit.limit = *limit;
	return (run(w, &op, &out));
}

static void a_room_has_its_own_retention_before_the_general_one(void **state)
{
	struct retention policy = { .room_bytes = 1, .dedupe = 7 * DAY };
	struct limit roomy = { .bytes = 1000000 }, old = { .age = 50 };
	struct world *w = *state;
	struct retention_pick pick;
	struct applied out;
	struct sn_txn *txn;
	uint64_t room = 0;

	two(w);
	assert_int_equal(send_at(w, 1, 5000, 0, &out), SN_OK);
	txn = reading(w);
	assert_int_equal(
	    retention_rooms(txn, &policy, 5000, &room, &pick), SN_OK);
	assert_int_equal(pick.count, 1);
	sn_txn_abort(txn);
	assert_int_equal(set_limit(w, USAGE_ROOM, out.room, &roomy), SN_OK);
	room = 0;
	txn = reading(w);
	assert_int_equal(
	    retention_rooms(txn, &policy, 5000, &room, &pick), SN_OK);
	assert_int_equal(pick.count, 0);
	assert_int_equal(room, 0);
	sn_txn_abort(txn);
	assert_int_equal(set_limit(w, USAGE_ROOM, out.room, &old), SN_OK);
	txn = reading(w);
	assert_int_equal(
	    retention_rooms(txn, &policy, 5050, &room, &pick), SN_OK);
	assert_int_equal(pick.count, 0);
	assert_int_equal(
	    retention_rooms(txn, &policy, 5051, &room, &pick), SN_OK);
	assert_int_equal(pick.count, 1);
	sn_txn_abort(txn);
	assert_int_equal(set_limit(w, USAGE_ROOM, 99, &old), SN_ENOTFOUND);
}

static void damage(
    struct world *w, enum db_table table, struct db_key key, const char *row)
{
	struct sn_txn *txn;

	assert_int_equal(sn_txn_write(w->store, &txn), SN_OK);
	if (row == NULL)
		assert_int_equal(
		    sn_txn_delete(txn, table, db_bytes(&key)), SN_OK);
	else
		assert_int_equal(
		    sn_txn_put(txn, table, db_bytes(&key), sn_bytes_of(row)),
		    SN_OK);
	assert_int_equal(sn_txn_commit(txn), SN_OK);
}

/* The message's row is gone and its room's index still lists it. */
static void a_lost_message_is_told_and_the_room_s_others_go(void **state)
{
	struct world *w = *state;
	const struct retention policy = { .room_bytes = 1 };
	struct applied lost, next;
	struct retention_pick pick;
	struct sn_txn *txn;
	uint64_t room = 0;

	two(w);
	assert_int_equal(send_at(w, 1, 5000, 0, &lost), SN_OK);
	assert_int_equal(send_at(w, 2, 5000, 0, &next), SN_OK);
	damage(w, DB_LOG, db_key1(lost.seq), NULL);
	txn = reading(w);
	assert_int_equal(
	    retention_rooms(txn, &policy, 6000, &room, &pick), SN_OK);
	sn_txn_abort(txn);
	assert_int_equal(pick.count, 1);
	assert_int_equal(pick.damaged, 1);
	assert_int_equal(pick.damaged_room, lost.room);
	assert_int_equal(pick.damaged_seq, lost.seq);
	assert_int_equal(forget(w, &pick), SN_OK);
	assert_false(is_there(w, next.seq));
}

static void a_damaged_room_does_not_keep_the_next_from_being_emptied(
    void **state)
{
	struct world *w = *state;
	const struct retention policy = { .room_bytes = 1 };
	struct applied first, other;
	struct retention_pick pick;
	struct sn_txn *txn;
	uint64_t room = 0;

	two(w);
	assert_int_equal(add(w, 3, "carol"), SN_OK);
	assert_int_equal(send_at(w, 1, 5000, 0, &first), SN_OK);
	assert_int_equal(message(w, 3, true, 2, 9, &other), SN_OK);
	damage(w, DB_ROOMS, db_key1(first.room), "no such record");
	txn = reading(w);
	assert_int_equal(
	    retention_rooms(txn, &policy, 6000, &room, &pick), SN_OK);
	sn_txn_abort(txn);
	assert_int_equal(pick.damaged, 1);
	assert_int_equal(pick.damaged_room, first.room);
	assert_int_equal(pick.damaged_seq, 0);
	assert_int_equal(pick.count, 1);
	assert_int_equal(forget(w, &pick), SN_OK);
	assert_false(is_there(w, other.seq));
}

static void what_was_said_in_a_deleted_room_goes_and_the_rest_stays(
    void **state)
{
	struct world *w = *state;
	const struct retention policy = { 0 };
	struct op op = { .kind = OP_ROOM_CREATE, .time = 1 };
	struct applied room, in_room, beside, out;
	struct retention_pick pick;
	struct sn_txn *txn;
	uint64_t at = 0;

	two(w);
	op.room_create.creator = 1;
	op.room_create.name = sn_bytes_of("#gone");
	op.room_create.topic = sn_bytes_of("");
	op.room_create.limit = op.room_create.account_limit = 9;
	assert_int_equal(run(w, &op, &room), SN_OK);
	assert_int_equal(send_at(w, 1, 1000, 0, &beside), SN_OK);
	op = (struct op){ .kind = OP_MESSAGE, .time = 1000 };
	op.message.sender = 1;
	op.message.target = room.room;
	op.message.tail = sn_bytes_of("a tail");
	assert_int_equal(run(w, &op, &in_room), SN_OK);
	txn = reading(w);
	assert_int_equal(
	    retention_rooms(txn, &policy, 2000, &at, &pick), SN_OK);
	sn_txn_abort(txn);
	assert_int_equal(pick.count, 0);
	op = (struct op){ .kind = OP_ROOM_DELETE, .time = 1 };
	op.room_delete.room = room.room;
	op.room_delete.by = 1;
	assert_int_equal(run(w, &op, &out), SN_OK);
	at = 0;
	txn = reading(w);
	assert_int_equal(
	    retention_rooms(txn, &policy, 2000, &at, &pick), SN_OK);
	sn_txn_abort(txn);
	assert_int_equal(pick.count, 1);
	assert_int_equal(forget(w, &pick), SN_OK);
	assert_false(is_there(w, in_room.seq));
	assert_true(is_there(w, beside.seq));
}

static void a_quota_holds_to_the_byte_and_frees_with_what_is_forgotten(
    void **state)
{
	struct world *w = *state;
	struct retention_pick pick;
	struct limit limit = { 0 };
	struct applied first, out;

	two(w);
	assert_int_equal(send_at(w, 1, 5000, 0, &first), SN_OK);
	limit.bytes = 2 * used(w, USAGE_ACCOUNT, 1).bytes;
	assert_int_equal(set_limit(w, USAGE_ACCOUNT, 0, &limit), SN_OK);
	assert_int_equal(send_at(w, 2, 5000, 0, &out), SN_OK);
	assert_int_equal(send_at(w, 3, 5000, 0, &out), SN_ELIMIT);
	/* One of its own is before the one for all. */
	limit.bytes++;
	assert_int_equal(set_limit(w, USAGE_ACCOUNT, 1, &limit), SN_OK);
	assert_int_equal(send_at(w, 3, 5000, 0, &out), SN_ELIMIT);
	limit.bytes--;
	assert_int_equal(set_limit(w, USAGE_ACCOUNT, 1, NULL), SN_OK);
	pick = just(first.seq);
	assert_int_equal(forget(w, &pick), SN_OK);
	assert_int_equal(send_at(w, 3, 5000, 0, &out), SN_OK);
	assert_int_equal(send_at(w, 4, 5000, 0, &out), SN_ELIMIT);
	/* What was sent is known, whatever the quota. */
	assert_int_equal(send_at(w, 1, 5000, 0, &out), SN_OK);
	assert_true(out.duplicate);
	assert_counted(w);
}

static void what_retention_leaves_behind_cannot_be_submitted(void **state)
{
	struct op op = { .kind = OP_FORGOTTEN };
	struct world *w = *state;
	struct applied out;

	assert_int_equal(run(w, &op, &out), SN_EBUG);
}

static void a_clock_that_leaps_a_day_is_not_believed(void **state)
{
	struct clock_guard g;

	(void)state;
	clock_guard_start(&g, 100 * DAY, 0, 0);
	assert_false(g.held);
	assert_true(clock_guard_look(&g, 101 * DAY, DAY));
	assert_true(clock_guard_look(&g, 102 * DAY - 1, DAY));
	assert_false(clock_guard_look(&g, 102 * DAY, DAY));
	assert_true(clock_guard_look(&g, 100 * DAY + 1, DAY));
	assert_false(clock_guard_look(&g, 100 * DAY, DAY));
	/* Taken back, or accepted. */
	assert_true(clock_guard_look(&g, 101 * DAY, DAY));
	clock_guard_accept(&g, 500 * DAY, DAY);
	assert_true(clock_guard_look(&g, 501 * DAY, 2 * DAY));
	assert_false(clock_guard_look(&g, 101 * DAY, 2 * DAY));
}

static void a_start_compares_with_the_last_time_stored(void **state)
{
	struct clock_guard g;

	(void)state;
	clock_guard_start(&g, 100 * DAY, 5, 100 * DAY - DAY + 1);
	assert_false(g.held);
	assert_true(clock_guard_look(&g, 100 * DAY + DAY - 1, 5));
	clock_guard_start(&g, 465 * DAY, 5, 100 * DAY);
	assert_true(g.held);
	clock_guard_start(&g, 99 * DAY, 5, 100 * DAY);
	assert_true(g.held);
	/* An hour back is a correction. */
	clock_guard_start(&g, 100 * DAY - 3600000, 5, 100 * DAY);
	assert_false(g.held);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_lost_message_is_told_and_the_room_s_others_go),
		T(a_damaged_room_does_not_keep_the_next_from_being_emptied),
		T(a_forgotten_message_is_gone_but_its_id_is_known),
		T(forgetting_twice_or_what_is_no_message_changes_nothing),
		T(an_id_is_forgotten_only_past_the_horizon),
		T(the_horizon_moves_in_steps_and_never_back),
		T(a_ttl_ends_at_its_time_and_not_before),
		T(a_damaged_message_whose_ttl_is_over_is_left_for_the_check),
		T(what_is_too_old_goes_and_what_is_not_stays),
		T(without_a_policy_nothing_is_picked),
		T(above_the_bytes_the_oldest_go_until_it_fits),
		T(a_room_has_its_own_retention_before_the_general_one),
		T(what_was_said_in_a_deleted_room_goes_and_the_rest_stays),
		T(a_quota_holds_to_the_byte_and_frees_with_what_is_forgotten),
		T(what_retention_leaves_behind_cannot_be_submitted),
		cmocka_unit_test(a_clock_that_leaps_a_day_is_not_believed),
		cmocka_unit_test(a_start_compares_with_the_last_time_stored),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
