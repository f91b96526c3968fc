#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/store.h"

enum table { FIRST, SECOND, TABLES };

#define ROWS 3000U /* Many pages, in two levels. */

static const struct sn_store_table tables[TABLES] = {
	[FIRST] = { .name = "first" },
	[SECOND] = { .name = "second" },
};
static struct sn_store *store;
static char dir[] = "/tmp/sn-store-XXXXXX";

struct key {
	uint8_t bytes[8];
};

static struct key key_of(uint64_t n)
{
	struct key key;
	struct sn_wr w = sn_wr_over(key.bytes, sizeof(key.bytes));

	sn_wr_u64(&w, n);
	return (key);
}

#define BYTES(key) ((struct sn_bytes){ (key).bytes, sizeof((key).bytes) })

static enum sn_err insert(struct sn_txn *txn, enum table table, uint64_t n)
{
	struct key key = key_of(n), value = key_of(n * 3);

	return (sn_txn_insert(txn, table, BYTES(key), BYTES(value)));
}

static bool holds(struct sn_txn *txn, enum table table, uint64_t n)
{
	struct key key = key_of(n), value = key_of(n * 3);
	struct sn_bytes found;
	enum sn_err err = sn_txn_get(txn, table, BYTES(key), &found);

	if (err == SN_OK)
		assert_true(sn_bytes_equal(found, BYTES(value)));
	else
		assert_int_equal(err, SN_ENOTFOUND);
	return (err == SN_OK);
}

static struct sn_txn *begin(void)
{
	struct sn_txn *txn;

	assert_int_equal(sn_txn_write(store, &txn), SN_OK);
	return (txn);
}

static int open_store(void **state)
{
	struct sn_store_options options = { .dir = dir,
		.map_size = UINT64_C(1) << 26,
		.max_readers = 4,
		.tables = tables,
		.table_count = TABLES };
	struct sn_why why = { "" };

	(void)state;
	(void)strcpy(dir, "/tmp/sn-store-XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(sn_store_open(&options, &store, &why), SN_OK);
	return (0);
}

static int close_store(void **state)
{
	char path[64];

	(void)state;
	sn_store_close(store);
	(void)snprintf(path, sizeof(path), "%s/data.mdb", dir);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/lock.mdb", dir);
	(void)unlink(path);
	return (rmdir(dir));
}

/* Keys that rise, fall, and come from anywhere, in one transaction and over
 * two tables: all are there, and none comes twice. */
static void insert_takes_keys_in_any_order_and_each_once(void **state)
{
	struct sn_txn *txn = begin();
	uint64_t count;

	(void)state;
	for (uint64_t i = 0; i < ROWS; i++) {
		uint64_t any = i * 7919 % ROWS;

		assert_int_equal(insert(txn, FIRST, ROWS + i), SN_OK);
		assert_int_equal(insert(txn, FIRST, ROWS - 1 - i), SN_OK);
		assert_int_equal(insert(txn, SECOND, any), SN_OK);
		assert_int_equal(insert(txn, SECOND, any), SN_EEXISTS);
		assert_int_equal(insert(txn, FIRST, ROWS + i), SN_EEXISTS);
	}
	for (uint64_t i = 0; i < 2 * ROWS; i++) {
		assert_true(holds(txn, FIRST, i));
		assert_int_equal(holds(txn, SECOND, i), i < ROWS);
	}
	assert_int_equal(sn_txn_commit(txn), SN_OK);
	assert_int_equal(sn_txn_read(store, &txn), SN_OK);
	assert_int_equal(sn_txn_count(txn, FIRST, &count), SN_OK);
	assert_int_equal(count, 2 * ROWS);
	sn_txn_abort(txn);
}

/* The answer that a key is there leaves the transaction usable. */
static void append_takes_none_but_the_greatest(void **state)
{
	struct key low = key_of(5), high = key_of(9), value = key_of(15);
	struct sn_txn *txn = begin();

	(void)state;
	assert_int_equal(
	    sn_txn_append(txn, FIRST, BYTES(low), BYTES(value)), SN_OK);
	assert_int_equal(
	    sn_txn_append(txn, FIRST, BYTES(low), BYTES(value)), SN_EEXISTS);
	assert_int_equal(insert(txn, FIRST, 7), SN_OK);
	assert_int_equal(
	    sn_txn_append(txn, FIRST, BYTES(low), BYTES(value)), SN_EEXISTS);
	value = key_of(27);
	assert_int_equal(
	    sn_txn_append(txn, FIRST, BYTES(high), BYTES(value)), SN_OK);
	assert_true(holds(txn, FIRST, 5));
	assert_true(holds(txn, FIRST, 7));
	assert_true(holds(txn, FIRST, 9));
	sn_txn_abort(txn);
}

/* Rows that go while others come, by key and under a cursor, until pages and
 * whole levels vanish beneath the place of the last insertion. */
static void rows_may_go_between_insertions(void **state)
{
	struct sn_txn *txn = begin();
	struct sn_bytes key, value;
	struct sn_cursor *c;

	(void)state;
	for (uint64_t i = 0; i < ROWS; i++)
		assert_int_equal(insert(txn, FIRST, i), SN_OK);
	for (uint64_t i = 0; i < ROWS; i++) {
		struct key gone = key_of(ROWS - 1 - i);

		assert_int_equal(sn_txn_delete(txn, FIRST, BYTES(gone)), SN_OK);
		assert_int_equal(insert(txn, FIRST, ROWS + i), SN_OK);
	}
	assert_int_equal(sn_cursor_open(txn, FIRST, &c), SN_OK);
	for (uint64_t i = 0; i < ROWS - 1; i++) {
		assert_int_equal(sn_cursor_first(c, &key, &value), SN_OK);
		assert_int_equal(sn_cursor_delete(c), SN_OK);
		if (i % 100 == 0)
			assert_int_equal(insert(txn, FIRST, i), SN_OK);
		if (i % 100 == 50)
			assert_int_equal(
			    insert(txn, FIRST, 3 * ROWS + i), SN_OK);
	}
	sn_cursor_close(c);
	assert_false(holds(txn, FIRST, 1));
	assert_true(holds(txn, FIRST, 2 * ROWS - 1));
	assert_true(holds(txn, FIRST, 3 * ROWS + 50));
	assert_int_equal(sn_txn_commit(txn), SN_OK);
}

static void one_that_reads_puts_nothing(void **state)
{
	struct sn_txn *txn;

	(void)state;
	assert_int_equal(sn_txn_read(store, &txn), SN_OK);
	assert_int_equal(insert(txn, FIRST, 1), SN_ESTORE);
	sn_txn_abort(txn);
	txn = begin();
	assert_false(holds(txn, FIRST, 1));
	assert_int_equal(insert(txn, FIRST, 1), SN_OK);
	assert_int_equal(sn_txn_commit(txn), SN_OK);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_store, close_store)
	const struct CMUnitTest tests[] = {
		TEST(insert_takes_keys_in_any_order_and_each_once),
		TEST(append_takes_none_but_the_greatest),
		TEST(rows_may_go_between_insertions),
		TEST(one_that_reads_puts_nothing),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
