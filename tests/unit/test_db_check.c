#include "server/oplog/db_check.h"
#include "server/oplog/message.h"
#include "tests/unit/oplog_world.h"

/* What a check said. */
struct said {
	uint64_t findings;
	char last[512];
	char table[32];
};

static void on_finding(void *arg, const char *text)
{
	struct said *s = arg;

	s->findings++;
	(void)snprintf(s->last, sizeof(s->last), "%s", text);
}

static void on_table(void *arg, const char *table)
{
	struct said *s = arg;

	(void)snprintf(s->table, sizeof(s->table), "%s", table);
}

static struct said check(struct sn_txn *txn)
{
	struct said said = { 0 };
	struct db_check c = {
		.finding = on_finding, .at = on_table, .arg = &said
	};

	assert_int_equal(db_check(txn, &c), SN_OK);
	assert_int_equal(c.findings, said.findings);
	return (said);
}

static void device_of(struct world *w, uint64_t account, uint8_t print)
{
	struct op op = { .kind = OP_DEVICE_BIND, .time = 1 };
	struct applied out;

	op.device_bind.device.account = account;
	memset(op.device_bind.device.fingerprint, print, DEVICE_FINGERPRINT);
	op.device_bind.limit = 9;
	assert_int_equal(run(w, &op, &out), SN_OK);
}

/* Something of everything that apply writes. */
static void fill(struct world *w)
{
	struct op op = { .kind = OP_ROOM_CREATE, .time = 1 };
	struct applied out;

	assert_int_equal(add(w, 1, "alice"), SN_OK);
	assert_int_equal(add(w, 2, "bob"), SN_OK);
	assert_int_equal(add(w, 3, "carol"), SN_OK);
	device_of(w, 1, 0x11);
	device_of(w, 2, 0x22);
	op = (struct op){ .kind = OP_SUBJECT_MAP, .time = 7 };
	op.subject_map.account = 1;
	op.subject_map.key[0] = SN_SUBJECT_DN;
	op.subject_map.key_len = 1 + SN_SUBJECT_DIGEST;
	assert_int_equal(run(w, &op, &out), SN_OK);
	op = (struct op){ .kind = OP_ROOM_CREATE, .time = 7 };
	op.room_create.creator = 1;
	op.room_create.open = true;
	op.room_create.name = sn_bytes_of("#ops");
	op.room_create.topic = sn_bytes_of("");
	op.room_create.limit = 9;
	op.room_create.account_limit = 9;
	assert_int_equal(run(w, &op, &out), SN_OK);
	assert_int_equal(message(w, 1, false, out.room, 1, &out), SN_OK);
	assert_int_equal(message(w, 1, true, 2, 2, &out), SN_OK);
	assert_int_equal(message(w, 2, true, 1, 3, &out), SN_OK);
	op = (struct op){ .kind = OP_MESSAGE, .time = 9 };
	op.message.sender = 2;
	op.message.direct = true;
	op.message.target = 1;
	op.message.expires = 99;
	memset(op.message.id, 4, SN_FRAME_ID);
	op.message.tail = sn_bytes_of("short-lived");
	assert_int_equal(run(w, &op, &out), SN_OK);
}

static void what_is_sound_is_found_sound(void **state)
{
	struct world *w = *state;
	struct sn_txn *txn;

	fill(w);
	assert_int_equal(sn_txn_read(w->store, &txn), SN_OK);
	assert_int_equal(check(txn).findings, 0);
	sn_txn_abort(txn);
}

/* Rows that stand for themselves: nothing else says that they should be
 * there. */
static bool stands_alone(enum db_table table)
{
	return (table == DB_META || table == DB_TOMBSTONES ||
		table == DB_DEVICE_SEEN || table == DB_CURSORS ||
		table == DB_LIMITS);
}

static bool nth_row(
    struct sn_txn *txn, enum db_table table, unsigned n, struct sn_cursor **out)
{
	struct sn_bytes key, value;
	enum sn_err err;

	assert_int_equal(sn_cursor_open(txn, table, out), SN_OK);
	err = sn_cursor_first(*out, &key, &value);
	for (; err == SN_OK && n > 0; n--)
		err = sn_cursor_next(*out, &key, &value);
	return (err == SN_OK);
}

static void any_row_that_is_missing_is_noticed(void **state)
{
	struct world *w = *state;
	unsigned removed = 0;

	fill(w);
	for (enum db_table t = DB_META; t < DB_TABLE_COUNT; t++) {
		bool there = true;

		for (unsigned n = 0; there && !stands_alone(t); n++) {
			struct sn_cursor *c;
			struct sn_txn *txn;
			struct said said;

			assert_int_equal(sn_txn_write(w->store, &txn), SN_OK);
			if ((there = nth_row(txn, t, n, &c))) {
				assert_int_equal(sn_cursor_delete(c), SN_OK);
				sn_cursor_close(c);
				said = check(txn);
				if (said.findings == 0)
					fail_msg("row %u of %s was not missed",
					    n, db_table_name(t));
				removed++;
			} else {
				sn_cursor_close(c);
			}
			sn_txn_abort(txn);
		}
	}
	assert_true(removed > 30);
}

static void a_row_put_in_the_place_of_another_is_noticed(void **state)
{
	struct db_key first = db_key1(8), second = db_key1(9);
	struct world *w = *state;
	struct sn_bytes value;
	struct sn_txn *txn;
	uint8_t copy[512];
	size_t n;

	fill(w);
	assert_int_equal(sn_txn_write(w->store, &txn), SN_OK);
	assert_int_equal(
	    sn_txn_get(txn, DB_LOG, db_bytes(&first), &value), SN_OK);
	memcpy(copy, value.p, n = value.n);
	assert_int_equal(sn_txn_put(txn, DB_LOG, db_bytes(&second),
			     (struct sn_bytes){ copy, n }),
	    SN_OK);
	assert_true(check(txn).findings > 0);
	sn_txn_abort(txn);
}

static void a_damaged_row_is_named(void **state)
{
	struct db_key key = db_key1(8);
	struct world *w = *state;
	struct sn_bytes value;
	struct sn_txn *txn;
	struct said said;
	uint8_t copy[512];

	fill(w);
	assert_int_equal(sn_txn_write(w->store, &txn), SN_OK);
	assert_int_equal(
	    sn_txn_get(txn, DB_LOG, db_bytes(&key), &value), SN_OK);
	memcpy(copy, value.p, value.n);
	copy[value.n / 2] ^= 1;
	assert_int_equal(sn_txn_put(txn, DB_LOG, db_bytes(&key),
			     (struct sn_bytes){ copy, value.n }),
	    SN_OK);
	said = check(txn);
	assert_true(said.findings > 0);
	sn_txn_abort(txn);
}

static void another_format_is_told(void **state)
{
	struct world *w = *state;
	struct sn_txn *txn;
	struct said said;

	for (uint64_t format = 1; format < 1000; format += 998) {
		assert_int_equal(sn_txn_write(w->store, &txn), SN_OK);
		assert_int_equal(
		    db_meta_set(txn, DB_META_FORMAT, format), SN_OK);
		said = check(txn);
		assert_int_equal(said.findings, 1);
		assert_non_null(strstr(said.last, "format"));
		sn_txn_abort(txn);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(what_is_sound_is_found_sound),
		T(any_row_that_is_missing_is_noticed),
		T(a_row_put_in_the_place_of_another_is_noticed),
		T(a_damaged_row_is_named),
		T(another_format_is_told),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
