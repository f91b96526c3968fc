#include "server/base/record.h"
#include "server/oplog/db_check.h"
#include "server/oplog/limit.h"
#include "server/oplog/message.h"
#include "tests/unit/oplog_world.h"

/* What a check said. */
struct said {
	uint64_t findings;
	char last[512];
	char table[32];
	char all[4096];
};

static void on_finding(void *arg, const char *text)
{
	struct said *s = arg;

	s->findings++;
	(void)snprintf(s->last, sizeof(s->last), "%s", text);
	(void)snprintf(s->all + strlen(s->all), sizeof(s->all) - strlen(s->all),
	    "%s\n", text);
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

static void put_row(struct sn_txn *txn, enum db_table table,
    struct sn_bytes key, struct sn_bytes value)
{
	assert_int_equal(sn_txn_put(txn, table, key, value), SN_OK);
}

static const uint8_t device1[DEVICE_FINGERPRINT + 4] = { 0x11, 0x11, 0x11, 0x11,
	0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
	0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
	0x11, 0x11, 0x11, 0x11, 'm', 'a', 'i', 'n' };
static const struct sn_bytes device = { device1, DEVICE_FINGERPRINT },
			     consumer = { device1, sizeof(device1) };

/* What net writes beside the log. */
static void fill_own(struct world *w, uint64_t room)
{
	struct db_key id = db_key1(1), at = db_key1(5), two = db_key2(5, 5),
		      mark = db_key2(room, 1);
	uint8_t space[64];
	struct sn_wr wr = sn_wr_over(space, sizeof(space));
	struct sn_txn *txn;

	record_begin(&wr, 1);
	record_finish(&wr);
	assert_int_equal(sn_txn_write(w->store, &txn), SN_OK);
	put_row(txn, DB_CURSORS, consumer, db_bytes(&two));
	put_row(txn, DB_DEVICE_SEEN, device, db_bytes(&at));
	put_row(txn, DB_CERTIFICATES, device, (struct sn_bytes){ space, wr.n });
	put_row(txn, DB_ACCOUNT_SEEN, db_bytes(&id), db_bytes(&at));
	put_row(txn, DB_READS, db_bytes(&mark), db_bytes(&at));
	assert_int_equal(sn_txn_commit(txn), SN_OK);
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
	fill_own(w, out.room);
	op = (struct op){ .kind = OP_LIMIT, .time = 9 };
	op.limit.of = USAGE_ROOM;
	op.limit.id = out.room;
	op.limit.set = true;
	op.limit.limit.age = 1;
	assert_int_equal(run(w, &op, &out), SN_OK);
	/* One who was deleted, with whom alice had spoken. */
	assert_int_equal(add(w, 4, "dave"), SN_OK);
	assert_int_equal(message(w, 4, true, 1, 5, &out), SN_OK);
	assert_int_equal(set_state(w, 4, ACCOUNT_DELETED, 20000), SN_OK);
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
		table == DB_LIMITS || table == DB_FORMERS ||
		table == DB_READS || table == DB_ACCOUNT_SEEN ||
		table == DB_CERTIFICATES);
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

static enum sn_err nth_key(
    struct sn_cursor *c, uint8_t copy[512], struct sn_bytes *key)
{
	struct sn_bytes value;
	enum sn_err err;

	/* The key under the cursor: a step on and one back, or the last. */
	if ((err = sn_cursor_next(c, key, &value)) == SN_OK)
		err = sn_cursor_prev(c, key, &value);
	else
		err = sn_cursor_last(c, key, &value);
	if (err != SN_OK)
		return (err);
	memcpy(copy, key->p, key->n);
	key->p = copy;
	return (SN_OK);
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

/* Whatever stands in a row, the walk comes to its end and tells it. */
static void any_row_that_is_nonsense_is_told(void **state)
{
	static const struct sn_bytes odd_one = { "?", 1 };
	struct world *w = *state;
	unsigned changed = 0;

	fill(w);
	for (enum db_table t = DB_META; t < DB_TABLE_COUNT; t++) {
		bool there = true;

		for (unsigned n = 0; there; n++) {
			struct sn_bytes key, value;
			struct sn_cursor *c;
			struct sn_txn *txn;
			uint8_t copy[512];

			assert_int_equal(sn_txn_write(w->store, &txn), SN_OK);
			there = nth_row(txn, t, n, &c);
			/* And one more, whose key is nonsense. */
			key = odd_one;
			if (there) {
				assert_int_equal(nth_key(c, copy, &key), SN_OK);
				changed++;
			}
			sn_cursor_close(c);
			value = odd_one;
			put_row(txn, t, key, value);
			/* A later version may count something more. */
			if (check(txn).findings == 0 && (there || t != DB_META))
				fail_msg("row %u of %s may be anything", n,
				    db_table_name(t));
			sn_txn_abort(txn);
		}
	}
	assert_true(changed > 40);
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

/* Bytes as a row has them; numbers are 8 each, big-endian. */
struct row {
	uint8_t bytes[64];
	size_t n;
};

static struct row row(const char *format, ...)
{
	struct row out;
	struct sn_wr w = sn_wr_over(out.bytes, sizeof(out.bytes));
	va_list ap;

	va_start(ap, format);
	for (; *format != '\0'; format++) {
		const char *text;

		switch (*format) {
		case 'n':
			sn_wr_u64(&w, va_arg(ap, unsigned));
			break;
		case 'd': /* The device that is there. */
			sn_wr_put(&w, device.p, device.n);
			break;
		case 'x': /* Another. */
			for (unsigned i = 0; i < DEVICE_FINGERPRINT; i++)
				sn_wr_u8(&w, 0x77);
			break;
		default:
			text = va_arg(ap, const char *);
			sn_wr_put(&w, text, strlen(text));
		}
	}
	va_end(ap);
	assert_false(w.bad);
	out.n = w.n;
	return (out);
}

static void each_wrong_row_has_its_finding(void **state)
{
	/* Accounts 1 to 4, the last one deleted; rooms 1 to 3, the first
	 * named, 2 of 1 and 2, 3 of 1 and 4; the log ends below 100. */
	const struct {
		enum db_table table;
		struct row key, value;
		const char *says;
	} wrong[] = {
		{ DB_DEDUPE, row("nnn", 1, 1, 1), row("nn", 1, 1),
		    "dedupe: an id leads to 1," },
		{ DB_DEDUPE, row("nnn", 1, 1, 1), row("nn", 99, 1),
		    "dedupe: an id leads to 99," },
		{ DB_DEDUPE, row("nn", 1, 1), row("nn", 1, 1), "is not one" },
		{ DB_EXPIRES, row("nn", 98, 11), row(""),
		    "expires: the message 11 has no such end" },
		{ DB_EXPIRES, row("nn", 98, 99), row(""),
		    "expires: the message 99 " },
		{ DB_EXPIRES, row("n", 98), row(""), "expires: the row" },
		{ DB_TOMBSTONES, row("t", "?x"), row("n", 5),
		    "tombstones: the row" },
		{ DB_TOMBSTONES, row("t", "\x01x"), row("n", 0),
		    "tombstones: the row" },
		{ DB_DEVICE_SEEN, row("x"), row("n", 5),
		    "device_seen: there is no device 7777" },
		{ DB_DEVICE_SEEN, row("d"), row("nn", 5, 5),
		    "device_seen: the row" },
		{ DB_ACCOUNT_SEEN, row("n", 9), row("n", 5),
		    "account_seen: there is no account 9" },
		{ DB_ACCOUNT_SEEN, row("n", 1), row(""),
		    "account_seen: the row" },
		{ DB_CERTIFICATES, row("d"), row("nn", 5, 5),
		    "certificates: the row" },
		{ DB_CURSORS, row("xt", "main"), row("nn", 5, 5),
		    "cursors: there is no device 7777" },
		{ DB_CURSORS, row("dt", "main"), row("nn", 500, 5),
		    "cursors: one stands at 500" },
		{ DB_CURSORS, row("dt", "main"), row("nn", 5, 6),
		    "having begun at 6" },
		{ DB_CURSORS, row("dt", "Main"), row("nn", 5, 5),
		    "cursors: the row" },
		{ DB_READS, row("nn", 9, 1), row("n", 5),
		    "reads: there is no room 9" },
		{ DB_READS, row("nn", 1, 9), row("n", 5),
		    "reads: there is no account 9" },
		{ DB_READS, row("nn", 1, 1), row("n", 500), "up to 500" },
		{ DB_READS, row("nn", 1, 1), row("nn", 5, 5),
		    "reads: the row" },
		{ DB_FORMERS, row("nt", 1, "dave"), row("n", 2),
		    "formers: the account 1 had no conversation" },
		{ DB_FORMERS, row("nt", 2, "dave"), row("n", 3),
		    "formers: the account 2 had no conversation" },
		{ DB_FORMERS, row("nt", 1, "erin"), row("n", 3),
		    "formers: the account 1 had no conversation" },
		{ DB_FORMERS, row("nt", 1, "Dave"), row("n", 3),
		    "formers: the row" },
		{ DB_LIMITS, row("nn", USAGE_ROOM, 1), row("nn", 1, 1),
		    "limits: the row" },
		{ DB_USAGE, row("nn", USAGE_ROOM, 9), row("nn", 1, 1),
		    "usage: room 9 is said to store" },
		{ DB_USAGE, row("nn", USAGE_ACCOUNT, 9), row("nn", 1, 1),
		    "usage: account 9 is said to store" },
		{ DB_USAGE, row("nn", 7, 9), row("nn", 1, 1),
		    "usage: a key of 16 bytes is none" },
		{ DB_META, row("t", DB_META_LAST_ACCOUNT), row("n", 3),
		    "meta: last_account is 3, and accounts has 4" },
		{ DB_META, row("t", DB_META_LAST_ROOM), row("n", 2),
		    "meta: last_room is 2, and rooms has 3" },
	};
	struct world *w = *state;

	fill(w);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct sn_txn *txn;
		struct said said;

		assert_int_equal(sn_txn_write(w->store, &txn), SN_OK);
		put_row(txn, wrong[i].table,
		    (struct sn_bytes){ wrong[i].key.bytes, wrong[i].key.n },
		    (struct sn_bytes){
			wrong[i].value.bytes, wrong[i].value.n });
		said = check(txn);
		if (strstr(said.all, wrong[i].says) == NULL)
			fail_msg("of a row of %s, not \"%s\" but: %s",
			    db_table_name(wrong[i].table), wrong[i].says,
			    said.all);
		sn_txn_abort(txn);
	}
}

static void a_room_without_an_owner_is_told(void **state)
{
	struct room_member member = { .role = ROOM_MEMBER, .joined = 7 };
	struct world *w = *state;
	struct sn_txn *txn;
	struct said said;

	fill(w);
	assert_int_equal(sn_txn_write(w->store, &txn), SN_OK);
	assert_int_equal(room_put_member(txn, 1, 1, &member), SN_OK);
	said = check(txn);
	assert_non_null(strstr(said.all, "rooms: 1 has no owner"));
	sn_txn_abort(txn);
}

static void a_sound_record_of_nobody_is_told(void **state)
{
	const struct limit limit = { .bytes = 5 };
	struct world *w = *state;
	struct row other = row("x");
	struct sn_bytes value;
	uint8_t copy[64];
	struct sn_txn *txn;
	struct said said;
	size_t n;

	fill(w);
	assert_int_equal(sn_txn_write(w->store, &txn), SN_OK);
	assert_int_equal(limit_put(txn, USAGE_ROOM, 9, &limit), SN_OK);
	assert_int_equal(limit_put(txn, USAGE_ACCOUNT, 8, &limit), SN_OK);
	/* That of all accounts is nobody's. */
	assert_int_equal(limit_put(txn, USAGE_ACCOUNT, 0, &limit), SN_OK);
	assert_int_equal(
	    sn_txn_get(txn, DB_CERTIFICATES, device, &value), SN_OK);
	memcpy(copy, value.p, n = value.n);
	put_row(txn, DB_CERTIFICATES, (struct sn_bytes){ other.bytes, other.n },
	    (struct sn_bytes){ copy, n });
	said = check(txn);
	assert_int_equal(said.findings, 3);
	assert_non_null(strstr(said.all, "limits: there is no room 9"));
	assert_non_null(strstr(said.all, "limits: there is no account 8"));
	assert_non_null(
	    strstr(said.all, "certificates: there is no device 7777"));
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
		T(any_row_that_is_nonsense_is_told),
		T(a_row_put_in_the_place_of_another_is_noticed),
		T(a_damaged_row_is_named),
		T(each_wrong_row_has_its_finding),
		T(a_room_without_an_owner_is_told),
		T(a_sound_record_of_nobody_is_told),
		T(another_format_is_told),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
