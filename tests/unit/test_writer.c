/*
 * The writer: what it has journaled is there after a kill, a full disk and a
 * transaction that was lost, once and in its place.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "server/oplog/db_check.h"
#include "server/oplog/dedupe.h"
#include "server/oplog/journal.h"
#include "server/oplog/writer.h"
#include "tests/unit/oplog_world.h"

/* The disk, as in test_oplog_faults: these stand before the C library's. */
static int sync_fails, write_fails, room_fails;

int fdatasync(int fd)
{
	errno = sync_fails;
	return (sync_fails != 0 ? -1 : fsync(fd));
}

int fallocate(int fd, int mode, off_t at, off_t n)
{
	errno = room_fails;
	return (room_fails != 0 ? -1
				: (int)syscall(SYS_fallocate, fd, mode, at, n));
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	errno = write_fails;
	return (write_fails != 0 ? -1 : syscall(SYS_pwrite64, fd, p, n, at));
}

ssize_t writev(int fd, const struct iovec *v, int n)
{
	errno = write_fails;
	return (write_fails != 0 ? -1 : syscall(SYS_writev, fd, v, n));
}

struct bed {
	struct world *world;
	struct writer *writer;
	int said, err; /* The lines of the log, and where they went before. */
};

static enum sn_err open_writer(struct bed *b, struct sn_why *why)
{
	return (writer_new(b->world->store, b->world->dir, &b->writer, why));
}

static int begin(void **state)
{
	struct bed *b = calloc(1, sizeof(*b));
	struct applied out;
	void *world;

	assert_int_equal(setup(&world), 0);
	b->world = world;
	for (uint64_t id = 1; id <= 3; id++)
		assert_int_equal(
		    add(world, id, (char[]){ (char)('a' + id), '\0' }), SN_OK);
	assert_int_equal(message(world, 1, true, 2, 100, &out), SN_OK);
	b->said = memfd_create("said", MFD_CLOEXEC);
	b->err = dup(STDERR_FILENO);
	assert_true(dup2(b->said, STDERR_FILENO) >= 0);
	assert_int_equal(open_writer(b, NULL), SN_OK);
	*state = b;
	return (0);
}

static int end(void **state)
{
	struct bed *b = *state;
	char path[128];

	sync_fails = write_fails = room_fails = 0;
	writer_free(b->writer);
	(void)dup2(b->err, STDERR_FILENO);
	(void)close(b->err);
	(void)close(b->said);
	(void)snprintf(path, sizeof(path), "%s/journal", b->world->dir);
	(void)unlink(path);
	*state = b->world;
	free(b);
	return (teardown(state));
}

static bool said(struct bed *b, const char *what)
{
	static char text[65536];
	ssize_t n = pread(b->said, text, sizeof(text) - 1, 0);

	assert_true(n >= 0);
	text[n] = '\0';
	return (strstr(text, what) != NULL);
}

/* It and its store come back, as after a kill. */
static void revive(struct bed *b)
{
	struct sn_why why = { "" };

	writer_free(b->writer);
	b->writer = NULL;
	sn_store_close(b->world->store);
	assert_int_equal(db_open(b->world->dir, UINT64_C(1) << 24, 8, NULL,
			     &b->world->store, &why),
	    SN_OK);
	assert_int_equal(open_writer(b, &why), SN_OK);
}

static struct oplog_request *post(uint64_t from, uint64_t to, uint8_t id)
{
	struct op op = { .kind = OP_MESSAGE, .time = 5000 };
	struct oplog_request *q;

	op.message.sender = from;
	op.message.direct = true;
	op.message.target = to;
	memset(op.message.id, id, sizeof(op.message.id));
	op.message.tail = sn_bytes_of("a tail");
	assert_int_equal(oplog_request_new(&op, &q), SN_OK);
	q->kind = OP_MESSAGE;
	q->next = NULL;
	return (q);
}

static enum sn_err write_one(struct bed *b, struct oplog_request *q)
{
	enum sn_err err = writer_apply(b->writer, q);

	if (err == SN_OK)
		err = q->err;
	return (err == SN_OK ? writer_journal(b->writer, q) : err);
}

/* A message into the journal; its place. */
static uint64_t keep(struct bed *b, uint8_t id)
{
	struct oplog_request *q = post(1, 2, id);
	uint64_t seq;

	assert_int_equal(write_one(b, q), SN_OK);
	seq = q->applied.seq;
	oplog_request_free(q);
	return (seq);
}

static enum sn_err try(struct bed *b, struct oplog_request *q)
{
	enum sn_err err = write_one(b, q);

	oplog_request_free(q);
	return (err);
}

/* The place of a message of the first account that the tables hold, or 0. */
static uint64_t found(struct bed *b, uint8_t id)
{
	uint8_t key[SN_FRAME_ID];
	uint64_t seq = 0, time;
	struct sn_txn *txn;
	enum sn_err err;

	memset(key, id, sizeof(key));
	assert_int_equal(sn_txn_read(b->world->store, &txn), SN_OK);
	err = dedupe_find(txn, key, 1, &seq, &time);
	assert_true(err == SN_OK || err == SN_ENOTFOUND);
	sn_txn_abort(txn);
	return (seq);
}

static void what_was_journaled_is_there_after_a_kill(void **state)
{
	struct bed *b = *state;
	uint64_t one = keep(b, 1), two = keep(b, 2);

	assert_int_equal(two, one + 1);
	assert_int_equal(writer_last(b->writer), two);
	assert_int_equal(writer_pending(b->writer), 2);
	assert_int_equal(found(b, 1), 0);
	revive(b);
	assert_int_equal(writer_pending(b->writer), 0);
	assert_int_equal(writer_last(b->writer), two);
	assert_int_equal(found(b, 1), one);
	assert_int_equal(found(b, 2), two);
	assert_int_equal(keep(b, 3), two + 1);
}

static void what_was_committed_is_not_applied_again(void **state)
{
	struct bed *b = *state;
	uint64_t one = keep(b, 1);

	assert_int_equal(writer_commit(b->writer), SN_OK);
	assert_int_equal(found(b, 1), one);
	revive(b);
	assert_int_equal(writer_last(b->writer), one);
	/* And the next round is not mistaken for the last one. */
	assert_int_equal(keep(b, 2), one + 1);
	revive(b);
	assert_int_equal(found(b, 1), one);
	assert_int_equal(found(b, 2), one + 1);
	assert_int_equal(writer_last(b->writer), one + 1);
}

static void what_was_not_journaled_is_not_there(void **state)
{
	struct bed *b = *state;
	struct oplog_request *q = post(1, 2, 2);
	uint64_t one = keep(b, 1);

	assert_int_equal(writer_apply(b->writer, q), SN_OK);
	assert_int_equal(q->err, SN_OK);
	oplog_request_free(q);
	revive(b);
	assert_int_equal(found(b, 1), one);
	assert_int_equal(found(b, 2), 0);
	assert_int_equal(writer_last(b->writer), one);
}

static void a_message_sent_again_is_known_before_it_is_committed(void **state)
{
	struct bed *b = *state;
	struct oplog_request *q = post(1, 2, 1);
	uint64_t one = keep(b, 1);

	assert_int_equal(write_one(b, q), SN_OK);
	assert_true(q->applied.duplicate);
	assert_int_equal(q->applied.seq, one);
	oplog_request_free(q);
	assert_int_equal(writer_pending(b->writer), 1);
	revive(b);
	assert_int_equal(found(b, 1), one);
	assert_int_equal(writer_last(b->writer), one);
}

static void what_must_be_seen_at_once_is_committed(void **state)
{
	struct bed *b = *state;
	struct op room = { .kind = OP_ROOM_CREATE, .time = 6000 };
	struct db_key key = db_key1(1);
	struct oplog_request *q;

	/* The first message between two: it makes their conversation. */
	assert_int_equal(try(b, post(2, 3, 1)), SN_EFULL);
	assert_int_equal(writer_commit(b->writer), SN_OK);
	assert_int_equal(try(b, post(2, 3, 2)), SN_OK);
	room.room_create.creator = 1;
	room.room_create.name = sn_bytes_of("#room");
	room.room_create.topic = sn_bytes_of("");
	room.room_create.limit = room.room_create.account_limit = 10;
	assert_int_equal(oplog_request_new(&room, &q), SN_OK);
	q->kind = OP_ROOM_CREATE;
	assert_int_equal(try(b, q), SN_EFULL);
	assert_int_equal(writer_commit(b->writer), SN_OK);
	assert_int_equal(oplog_settle_new(OPLOG_SETTLE_NOW, &q), SN_OK);
	assert_int_equal(try(b, q), SN_EFULL);
	/* Rows of this node, and who is in no hurry, wait for others. */
	assert_int_equal(oplog_settle_new(OPLOG_SETTLE_SOON, &q), SN_OK);
	assert_int_equal(try(b, q), SN_OK);
	assert_int_equal(oplog_local_new(DB_ACCOUNT_SEEN, db_bytes(&key),
			     sn_bytes_of("12345678"), &q),
	    SN_OK);
	assert_int_equal(try(b, q), SN_OK);
}

static void a_commit_that_finds_the_disk_full_loses_nothing(void **state)
{
	struct bed *b = *state;
	uint64_t one = keep(b, 1), two = keep(b, 2);

	write_fails = ENOSPC;
	assert_int_equal(writer_commit(b->writer), SN_ESTOREFULL);
	assert_true(writer_stuck(b->writer));
	assert_true(writer_open(b->writer));
	assert_int_equal(try(b, post(1, 2, 3)), SN_ESTOREFULL);
	assert_int_equal(writer_last(b->writer), two);
	/* Not even by a kill. */
	revive(b);
	assert_true(said(b, "journal.pending"));
	assert_true(writer_stuck(b->writer));
	assert_int_equal(writer_last(b->writer), two);
	assert_int_equal(found(b, 1), 0);
	write_fails = 0;
	assert_int_equal(keep(b, 3), two + 1);
	assert_false(writer_stuck(b->writer));
	assert_int_equal(found(b, 1), one);
	assert_int_equal(found(b, 2), two);
	revive(b);
	assert_int_equal(found(b, 3), two + 1);
}

static void a_transaction_that_damage_ends_takes_no_stored_message_with_it(
    void **state)
{
	struct bed *b = *state;
	struct db_key key = db_key1(3);
	uint64_t one = keep(b, 1);
	struct sn_txn *txn;

	assert_int_equal(writer_commit(b->writer), SN_OK);
	assert_int_equal(sn_txn_write(b->world->store, &txn), SN_OK);
	assert_int_equal(sn_txn_put(txn, DB_ACCOUNTS, db_bytes(&key),
			     sn_bytes_of("no such record")),
	    SN_OK);
	assert_int_equal(sn_txn_commit(txn), SN_OK);
	assert_int_equal(keep(b, 2), one + 1);
	assert_int_equal(try(b, post(3, 1, 3)), SN_ECORRUPT);
	assert_true(writer_stuck(b->writer));
	assert_int_equal(keep(b, 4), one + 2);
	assert_false(writer_stuck(b->writer));
	assert_int_equal(found(b, 2), one + 1);
}

static void flip_last_byte(struct bed *b)
{
	char path[128];
	uint8_t byte;
	off_t at;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/journal", b->world->dir);
	fd = open(path, O_RDWR | O_CLOEXEC);
	at = lseek(fd, 0, SEEK_END) - 1;
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	(void)close(fd);
}

static void a_journal_that_lost_what_was_told_is_not_taken_for_whole(
    void **state)
{
	struct bed *b = *state;
	uint64_t one = keep(b, 1), two = keep(b, 2);

	write_fails = ENOSPC;
	assert_int_equal(writer_commit(b->writer), SN_ESTOREFULL);
	write_fails = 0;
	flip_last_byte(b);
	assert_int_equal(try(b, post(1, 2, 3)), SN_ECORRUPT);
	assert_true(writer_stuck(b->writer));
	assert_int_equal(writer_last(b->writer), two);
	flip_last_byte(b);
	assert_int_equal(keep(b, 3), two + 1);
	assert_int_equal(found(b, 1), one);
	assert_int_equal(found(b, 2), two);
}

/* Reading goes on, as it does where a damaged record is met later. */
static void a_record_that_cannot_be_applied_again_keeps_nobody_from_reading(
    void **state)
{
	struct bed *b = *state;
	struct db_key key = db_key1(1);
	struct sn_txn *txn;

	(void)keep(b, 1);
	writer_free(b->writer);
	assert_int_equal(sn_txn_write(b->world->store, &txn), SN_OK);
	assert_int_equal(sn_txn_put(txn, DB_ACCOUNTS, db_bytes(&key),
			     sn_bytes_of("no such record")),
	    SN_OK);
	assert_int_equal(sn_txn_commit(txn), SN_OK);
	assert_int_equal(open_writer(b, NULL), SN_OK);
	assert_true(said(b, "journal.pending"));
	assert_true(writer_stuck(b->writer));
	assert_int_equal(try(b, post(2, 1, 1)), SN_ECORRUPT);
	assert_int_equal(writer_pending(b->writer), 1);
}

static void after_a_failed_sync_nothing_is_written_and_what_was_is_kept(
    void **state)
{
	struct bed *b = *state;
	uint64_t one = keep(b, 1);

	sync_fails = EIO;
	assert_int_equal(try(b, post(1, 2, 2)), SN_ESTORE);
	assert_true(sn_store_latched(b->world->store));
	sync_fails = 0;
	assert_int_equal(try(b, post(1, 2, 3)), SN_ESTORE);
	assert_false(writer_open(b->writer));
	revive(b);
	assert_int_equal(found(b, 1), one);
	/* The one that failed may be there or not; the one behind it is not. */
	assert_int_equal(found(b, 3), 0);
}

static void where_the_disk_has_no_room_for_the_tables_there_is_no_journal(
    void **state)
{
	struct bed *b = *state;

	room_fails = ENOSPC;
	assert_int_equal(try(b, post(1, 2, 1)), SN_EFULL);
	assert_int_equal(writer_commit(b->writer), SN_OK);
	assert_int_not_equal(found(b, 1), 0);
	room_fails = 0;
	(void)keep(b, 2);
}

static uint64_t key_of(struct bed *b)
{
	struct sn_txn *txn;
	uint64_t key;

	assert_int_equal(sn_txn_read(b->world->store, &txn), SN_OK);
	assert_int_equal(db_meta(txn, DB_META_JOURNAL, &key), SN_OK);
	sn_txn_abort(txn);
	return (key);
}

static void a_journal_that_is_ahead_of_its_database_is_refused(void **state)
{
	struct bed *b = *state;
	struct oplog_request *q = post(1, 2, 1);
	uint64_t next = writer_last(b->writer) + 1;
	struct sn_why why = { "" };
	struct journal *j;

	writer_free(b->writer);
	b->writer = NULL;
	assert_int_equal(
	    journal_open(b->world->dir, key_of(b), &j, NULL), SN_OK);
	assert_int_equal(
	    journal_add(j, next + 1, (struct sn_bytes){ q->data, q->len }),
	    SN_OK);
	assert_int_equal(journal_sync(j), SN_OK);
	assert_int_equal(open_writer(b, &why), SN_ECORRUPT);
	assert_non_null(strstr(why.text, "is of later"));
	journal_restart(j);
	assert_int_equal(
	    journal_add(j, next, (struct sn_bytes){ q->data, q->len }), SN_OK);
	assert_int_equal(journal_sync(j), SN_OK);
	journal_close(j);
	oplog_request_free(q);
	assert_int_equal(open_writer(b, &why), SN_OK);
	assert_int_equal(found(b, 1), next);
}

static void note(void *arg, const char *text)
{
	(void)snprintf(arg, 200, "%s", text);
}

static void ignore(void *arg, const char *table)
{
	(void)arg;
	(void)table;
}

/* How many messages a check finds beside the one of the beginning. */
static uint64_t checked(struct bed *b, char *text)
{
	struct db_check check = { .finding = note, .at = ignore, .arg = text };
	struct sn_txn *txn;

	text[0] = '\0';
	assert_int_equal(sn_txn_read(b->world->store, &txn), SN_OK);
	assert_int_equal(db_check(txn, &check), SN_OK);
	assert_int_equal(db_check_journal(txn, b->world->dir, &check), SN_OK);
	sn_txn_abort(txn);
	assert_int_equal(check.findings, text[0] == '\0' ? 0 : 1);
	return (check.messages - 1);
}

static void what_only_the_journal_holds_is_checked_too(void **state)
{
	struct bed *b = *state;
	struct journal *j;
	char text[200];

	(void)keep(b, 1);
	(void)keep(b, 2);
	assert_int_equal(checked(b, text), 2);
	assert_string_equal(text, "");
	/* The round is over: it is in the tables, and counted once. */
	assert_int_equal(writer_commit(b->writer), SN_OK);
	assert_int_equal(checked(b, text), 2);
	assert_string_equal(text, "");
	assert_int_equal(
	    journal_open(b->world->dir, key_of(b), &j, NULL), SN_OK);
	assert_int_equal(journal_add(j, writer_last(b->writer) + 1,
			     sn_bytes_of("no operation")),
	    SN_OK);
	assert_int_equal(journal_sync(j), SN_OK);
	journal_close(j);
	assert_int_equal(checked(b, text), 3);
	assert_non_null(strstr(text, "journal: the operation"));
	assert_int_equal(journal_make(b->world->dir, 1, &j, NULL), SN_OK);
	assert_int_equal(journal_add(j, 1, sn_bytes_of("another's")), SN_OK);
	assert_int_equal(journal_sync(j), SN_OK);
	journal_close(j);
	assert_int_equal(checked(b, text), 2);
	assert_non_null(strstr(text, "another database"));
}

static void a_journal_that_is_gone_is_told(void **state)
{
	struct bed *b = *state;
	uint64_t one = keep(b, 1);
	char path[128];

	assert_int_equal(writer_commit(b->writer), SN_OK);
	revive(b);
	assert_false(said(b, "journal.missing"));
	(void)snprintf(path, sizeof(path), "%s/journal", b->world->dir);
	assert_int_equal(unlink(path), 0);
	revive(b);
	assert_true(said(b, "journal.missing"));
	assert_int_equal(keep(b, 2), one + 1);
	revive(b);
	assert_int_equal(found(b, 2), one + 1);
}

#define CHAIN 128

/* So many messages in one entry. */
static enum sn_err keep_many(struct bed *b, unsigned from)
{
	struct op op = { .kind = OP_MESSAGE, .time = 5000 };
	struct oplog_request *first = NULL, *next;
	enum sn_err err;

	op.message.sender = 1;
	op.message.direct = true;
	op.message.target = 2;
	op.message.tail = sn_bytes_of("a tail");
	for (unsigned i = 0; i < CHAIN; i++) {
		struct oplog_request *q;
		unsigned n = from + i + 1;

		memcpy(op.message.id, &n, sizeof(n));
		assert_int_equal(oplog_request_new(&op, &q), SN_OK);
		q->kind = OP_MESSAGE;
		q->next = first;
		first = q;
	}
	if ((err = writer_apply(b->writer, first)) == SN_OK)
		err = writer_journal(b->writer, first);
	for (; first != NULL; first = next) {
		next = first->next;
		oplog_request_free(first);
	}
	return (err);
}

static void so_much_is_pending_and_no_more(void **state)
{
	struct bed *b = *state;
	enum sn_err err = SN_OK;
	unsigned n = 0;

	for (; err == SN_OK; n += CHAIN) {
		assert_true(n < 10000);
		assert_true(n < 2048 || writer_full(b->writer));
		err = keep_many(b, n);
	}
	assert_int_equal(err, SN_EFULL);
	assert_int_equal(writer_commit(b->writer), SN_OK);
	assert_false(writer_full(b->writer));
	assert_int_equal(writer_last(b->writer) - b->world->seq, n);
}

static struct oplog_request *post_of(uint64_t n, size_t size)
{
	static const uint8_t nothing[60000];
	struct op op = { .kind = OP_MESSAGE, .time = 5000 };
	struct oplog_request *q;

	op.message.sender = 1;
	op.message.direct = true;
	op.message.target = 2;
	memcpy(op.message.id, &n, sizeof(n));
	op.message.tail = (struct sn_bytes){ nothing, size };
	assert_int_equal(oplog_request_new(&op, &q), SN_OK);
	q->kind = OP_MESSAGE;
	return (q);
}

static enum sn_err forget_one(struct bed *b, uint64_t seq)
{
	struct op op = { .kind = OP_FORGET, .time = 6000 };
	struct db_key key = db_key1(seq);
	struct oplog_request *q;
	enum sn_err err;

	op.forget.seqs = db_bytes(&key);
	assert_int_equal(oplog_request_new(&op, &q), SN_OK);
	q->kind = OP_FORGET;
	err = write_one(b, q);
	oplog_request_free(q);
	return (err == SN_EFULL ? writer_commit(b->writer) : err);
}

/* Whatever is in the journal when the map is full. */
static void a_full_map_can_be_emptied(void **state)
{
	struct bed *b = *state;
	uint64_t n = 1 << 20, first = 0;
	enum sn_err err = SN_OK;

	/* Rows that take two pages for little more than one. */
	while (err == SN_OK) {
		struct oplog_request *q = post_of(n++, 4100);

		err = write_one(b, q);
		if (first == 0)
			first = q->applied.seq;
		oplog_request_free(q);
		if (err == SN_EFULL || (err == SN_OK && writer_full(b->writer)))
			err = writer_commit(b->writer);
	}
	assert_int_equal(err, SN_ESTOREFULL);
	assert_int_equal(forget_one(b, first), SN_OK);
	assert_false(writer_stuck(b->writer));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_journaled_is_there_after_a_kill),
		TEST(what_was_committed_is_not_applied_again),
		TEST(what_was_not_journaled_is_not_there),
		TEST(a_message_sent_again_is_known_before_it_is_committed),
		TEST(what_must_be_seen_at_once_is_committed),
		TEST(a_commit_that_finds_the_disk_full_loses_nothing),
		TEST(
		    a_transaction_that_damage_ends_takes_no_stored_message_with_it),
		TEST(
		    a_record_that_cannot_be_applied_again_keeps_nobody_from_reading),
		TEST(a_journal_that_lost_what_was_told_is_not_taken_for_whole),
		TEST(
		    after_a_failed_sync_nothing_is_written_and_what_was_is_kept),
		TEST(
		    where_the_disk_has_no_room_for_the_tables_there_is_no_journal),
		TEST(a_journal_that_is_ahead_of_its_database_is_refused),
		TEST(what_only_the_journal_holds_is_checked_too),
		TEST(a_journal_that_is_gone_is_told),
		TEST(so_much_is_pending_and_no_more),
		TEST(a_full_map_can_be_emptied),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
