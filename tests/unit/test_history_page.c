#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/oplog/db.h"
#include "server/oplog/op.h"

/* Every move in a table that a page costs is counted. */
static unsigned moves;

#define COUNTED(name, ...) (moves++, name(__VA_ARGS__))
#define sn_cursor_seek(...) COUNTED(sn_cursor_seek, __VA_ARGS__)
#define sn_cursor_next(...) COUNTED(sn_cursor_next, __VA_ARGS__)
#define sn_cursor_prev(...) COUNTED(sn_cursor_prev, __VA_ARGS__)
#define sn_cursor_last(...) COUNTED(sn_cursor_last, __VA_ARGS__)
#include "server/net/history_page.c"
#include "server/oplog/message.c"

#define LONG 100000 /* Messages of room 2; room 1 has a hundredth. */
#define SHORT (LONG / 100)

/* Message i of the long room is at 2i, those of the short one between; each
 * has ten times its sequence as its time. */
static struct sn_store *store;
static char dir[] = "/tmp/sn-page-XXXXXX";

static void put(struct sn_txn *txn, uint64_t room, uint64_t seq)
{
	struct op op = { .kind = OP_MESSAGE, .time = 10 * seq };
	struct db_key place = db_key2(room, seq), key = db_key1(seq);
	struct sn_bytes nothing = { NULL, 0 };
	uint8_t space[256];
	struct sn_wr w = sn_wr_over(space, sizeof(space));

	op.message.tail = sn_bytes_of("");
	op_encode(&op, &w);
	assert_int_equal(
	    sn_txn_put(txn, DB_ROOM_INDEX, db_bytes(&place), nothing), SN_OK);
	assert_int_equal(sn_txn_append(txn, DB_LOG, db_bytes(&key),
			     (struct sn_bytes){ space, w.n }),
	    SN_OK);
}

static int open_store(void **state)
{
	struct sn_why why = { "" };
	struct sn_txn *txn;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(
	    db_open(dir, UINT64_C(1) << 28, 8, NULL, &store, &why), SN_OK);
	assert_int_equal(sn_txn_write(store, &txn), SN_OK);
	for (uint64_t i = 1; i <= LONG; i++) {
		put(txn, 2, 2 * i);
		if (i % 100 == 0)
			put(txn, 1, 2 * i + 1);
	}
	assert_int_equal(
	    db_meta_set(txn, DB_META_LAST_SEQ, 2 * LONG + 1), SN_OK);
	assert_int_equal(sn_txn_commit(txn), SN_OK);
	return (0);
}

static int close_store(void **state)
{
	char path[128];

	(void)state;
	sn_store_close(store);
	(void)snprintf(path, sizeof(path), "%s/data.mdb", dir);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/lock.mdb", dir);
	(void)unlink(path);
	return (rmdir(dir));
}

/* A page, and in ${moves} what it cost. */
static struct history_page page_of(
    uint64_t room, const struct history_range *range)
{
	struct history_page page;
	struct sn_txn *txn;

	assert_int_equal(sn_txn_read(store, &txn), SN_OK);
	moves = 0;
	assert_int_equal(history_page(txn, room, range, &page), SN_OK);
	sn_txn_abort(txn);
	return (page);
}

static struct sn_maybe at(uint64_t value)
{
	return ((struct sn_maybe){ true, value });
}

static void a_page_costs_its_own_length_whatever_the_room_holds(void **state)
{
	const struct history_range ranges[] = {
		{ .limit = 50 },
		{ .limit = 50, .before = at(LONG) },
		{ .limit = 50, .after = at(LONG) },
	};
	struct history_page page;
	unsigned in_short;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		page = page_of(1, &ranges[i]);
		assert_int_equal(page.count, 50);
		in_short = moves;
		page = page_of(2, &ranges[i]);
		assert_int_equal(page.count, 50);
		assert_true(page.more);
		assert_int_equal(moves, in_short);
		assert_true(moves <= 52);
	}
}

static void a_time_costs_the_halving_of_the_log_on_top(void **state)
{
	const struct history_range before = { .limit = 50,
		.before_time = at(10 * LONG) };
	const struct history_range after = { .limit = 50,
		.after_time = at(10 * LONG) };
	struct history_page page;

	(void)state;
	page = page_of(2, &before);
	assert_int_equal(page.count, 50);
	assert_int_equal(page.seqs[49], LONG - 2);
	assert_true(moves <= 52 + 18); /* 2 to the 18th is above 2 * LONG. */
	page = page_of(2, &after);
	assert_int_equal(page.seqs[0], LONG);
	assert_true(moves <= 52 + 18);
}

static void a_time_between_two_messages_parts_them(void **state)
{
	const struct history_range before = { .limit = 1,
		.before_time = at(10 * LONG + 1) };
	const struct history_range after = { .limit = 1,
		.after_time = at(10 * LONG + 1) };

	(void)state;
	assert_int_equal(page_of(2, &before).seqs[0], LONG);
	assert_int_equal(page_of(2, &after).seqs[0], LONG + 2);
}

static void times_beyond_either_end_give_all_or_nothing(void **state)
{
	struct history_range range = { .limit = 10, .after_time = at(0) };

	(void)state;
	assert_int_equal(page_of(2, &range).seqs[0], 2);
	range.after_time = at(UINT64_MAX);
	assert_int_equal(page_of(2, &range).count, 0);
	range = (struct history_range){ .limit = 10, .before_time = at(0) };
	assert_int_equal(page_of(2, &range).count, 0);
	range.before_time = at(UINT64_MAX);
	assert_int_equal(page_of(2, &range).seqs[9], 2 * LONG);
}

static void nothing_below_its_beginning_is_in_a_page(void **state)
{
	struct history_range range = {
		.limit = 10, .after_time = at(0), .from = LONG
	};

	(void)state;
	assert_int_equal(page_of(2, &range).seqs[0], LONG);
	range = (struct history_range){
		.limit = 10, .before = at(LONG), .from = LONG - 4
	};
	assert_int_equal(page_of(2, &range).count, 2);
	assert_false(page_of(2, &range).more);
}

static void a_page_has_no_more_than_its_limit_and_the_greatest(void **state)
{
	struct history_range range = { .limit = SIZE_MAX };

	(void)state;
	assert_int_equal(page_of(2, &range).count, HISTORY_PAGE_MAX);
	range.limit = 0;
	assert_int_equal(page_of(2, &range).count, 0);
	assert_true(page_of(2, &range).more);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_page_costs_its_own_length_whatever_the_room_holds),
		cmocka_unit_test(a_time_costs_the_halving_of_the_log_on_top),
		cmocka_unit_test(a_time_between_two_messages_parts_them),
		cmocka_unit_test(times_beyond_either_end_give_all_or_nothing),
		cmocka_unit_test(nothing_below_its_beginning_is_in_a_page),
		cmocka_unit_test(
		    a_page_has_no_more_than_its_limit_and_the_greatest),
	};

	return (cmocka_run_group_tests(tests, open_store, close_store));
}
