/*
 * A database of an older format: migrated behind a whole copy, and killed at
 * every call that changes the disk it is as it was, or migrated.
 */
#include <errno.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "server/base/record.h"
#include "server/oplog/db_migrate.h"
#include "server/oplog/tally.h"
#include "tests/unit/oplog_world.h"

#define MESSAGES 3
#define KILLED 99

/* The calls that change the disk, as LMDB and we make them: noted, and the
 * last one of the process once ${left} have been made. */
static char calls[256];
static atomic_uint called;
static atomic_int left = -1;
static bool no_room; /* For a copy. */

static void note(char what)
{
	unsigned n;

	if (atomic_load(&left) < 0)
		return;
	if (atomic_fetch_sub(&left, 1) == 0)
		_exit(KILLED);
	n = atomic_fetch_add(&called, 1);
	if (n < sizeof(calls) - 1)
		calls[n] = what;
}

ssize_t write(int fd, const void *p, size_t n)
{
	note('c'); /* Of the copy: LMDB writes its own file otherwise. */
	if (no_room) {
		errno = ENOSPC;
		return (-1);
	}
	return (syscall(SYS_write, fd, p, n));
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	note(at < 8192 ? 'm' : 'p');
	return (syscall(SYS_pwrite64, fd, p, n, at));
}

ssize_t writev(int fd, const struct iovec *v, int n)
{
	note('p');
	return (syscall(SYS_writev, fd, v, n));
}

ssize_t pwritev(int fd, const struct iovec *v, int n, off_t at)
{
	note('p');
	return (syscall(SYS_pwritev, fd, v, n, at, 0));
}

int fdatasync(int fd)
{
	note('s');
	return ((int)syscall(SYS_fdatasync, fd));
}

int fsync(int fd)
{
	note('S');
	return ((int)syscall(SYS_fsync, fd));
}

int rename(const char *from, const char *to)
{
	note('r');
	return ((int)syscall(SYS_rename, from, to));
}

int unlink(const char *path)
{
	note('u');
	return ((int)syscall(SYS_unlink, path));
}

/* As version 1 wrote it: another first byte, and its checksum. */
static void make_version_1(struct sn_txn *txn, uint64_t seq)
{
	struct db_key key = db_key1(seq);
	uint8_t copy[512];
	struct sn_bytes row;
	struct sn_wr wr;

	assert_int_equal(sn_txn_get(txn, DB_LOG, db_bytes(&key), &row), SN_OK);
	assert_true(row.n < sizeof(copy));
	memcpy(copy, row.p, row.n);
	copy[0] = 1;
	wr = sn_wr_over(copy, sizeof(copy));
	wr.n = row.n - 4;
	record_finish(&wr);
	assert_int_equal(sn_txn_put(txn, DB_LOG, db_bytes(&key),
			     (struct sn_bytes){ copy, wr.n }),
	    SN_OK);
}

static struct sn_txn *writing(struct world *w)
{
	struct sn_txn *txn;

	assert_int_equal(sn_txn_write(w->store, &txn), SN_OK);
	return (txn);
}

/* A database as the first format was: nothing is counted. */
static void make_old(struct world *w)
{
	struct usage none = { 0, 0 };
	struct applied out;
	struct sn_txn *txn;

	assert_int_equal(add(w, 1, "alice"), SN_OK);
	assert_int_equal(add(w, 2, "bob"), SN_OK);
	for (uint8_t i = 0; i < MESSAGES; i++)
		assert_int_equal(message(w, 1, true, 2, i, &out), SN_OK);
	txn = writing(w);
	for (uint64_t seq = 1; seq <= out.seq; seq++)
		make_version_1(txn, seq);
	assert_int_equal(usage_put(txn, USAGE_SERVER, 0, &none), SN_OK);
	assert_int_equal(usage_put(txn, USAGE_ACCOUNT, 1, &none), SN_OK);
	assert_int_equal(usage_put(txn, USAGE_ROOM, out.room, &none), SN_OK);
	assert_int_equal(db_meta_set(txn, DB_META_LOG_ROWS, 0), SN_OK);
	assert_int_equal(db_meta_set(txn, DB_META_LOG_SUM, 0), SN_OK);
	assert_int_equal(db_meta_set(txn, DB_META_FORMAT, 1), SN_OK);
	assert_int_equal(sn_txn_commit(txn), SN_OK);
	sn_store_close(w->store);
	w->store = NULL;
}

static const char *in(const struct world *w, const char *name)
{
	static char path[2][160];
	static unsigned turn;

	turn = 1 - turn;
	(void)snprintf(path[turn], sizeof(path[0]), "%s/%s", w->dir, name);
	return (path[turn]);
}

static void copy_file(const char *from, const char *to)
{
	FILE *in_file = fopen(from, "r"), *out = fopen(to, "w");
	char buffer[4096];
	size_t n;

	assert_non_null(in_file);
	assert_non_null(out);
	while ((n = fread(buffer, 1, sizeof(buffer), in_file)) > 0)
		assert_int_equal(fwrite(buffer, 1, n, out), n);
	(void)fclose(in_file);
	assert_int_equal(fclose(out), 0);
}

/* The log's rows are there and sum up to what is said, as far as its format
 * says anything; returns the format. */
static uint64_t look(struct sn_store *store)
{
	uint64_t rows = 0, sum = 0, said, seq, format;
	struct sn_bytes key, row;
	struct usage usage;
	struct sn_cursor *c;
	struct sn_txn *txn;

	assert_int_equal(sn_txn_read(store, &txn), SN_OK);
	assert_int_equal(db_meta(txn, DB_META_FORMAT, &format), SN_OK);
	assert_int_equal(sn_cursor_open(txn, DB_LOG, &c), SN_OK);
	for (enum sn_err err = sn_cursor_first(c, &key, &row); err == SN_OK;
	     err = sn_cursor_next(c, &key, &row)) {
		assert_int_equal(db_u64(key, &seq), SN_OK);
		sum += tally_mark(seq, row);
		rows++;
	}
	sn_cursor_close(c);
	assert_int_equal(rows, 2 + MESSAGES);
	assert_int_equal(db_meta(txn, DB_META_LOG_ROWS, &said), SN_OK);
	assert_int_equal(said, format == 1 ? 0 : rows);
	assert_int_equal(db_meta(txn, DB_META_LOG_SUM, &said), SN_OK);
	assert_true(said == (format == 1 ? 0 : sum));
	assert_int_equal(usage_get(txn, USAGE_ACCOUNT, 1, &usage), SN_OK);
	assert_int_equal(usage.messages, format == 1 ? 0 : MESSAGES);
	sn_txn_abort(txn);
	return (format);
}

static uint64_t look_in(const char *dir)
{
	struct sn_why why = { "" };
	struct sn_store *store;
	uint64_t format;

	assert_int_equal(db_open_to_read(dir, &store, &why), SN_OK);
	format = look(store);
	sn_store_close(store);
	return (format);
}

static bool is_there(const char *path)
{
	return (access(path, F_OK) == 0);
}

/* The copy put in the place of data.mdb, as one does to go back. */
static void look_at_copy(struct world *w)
{
	(void)mkdir(in(w, "back"), 0700);
	copy_file(in(w, "format-1.mdb"), in(w, "back/data.mdb"));
	assert_int_equal(look_in(in(w, "back")), 1);
}

static void clean(struct world *w)
{
	static const char *const names[] = { "back/data.mdb", "back/lock.mdb",
		"format-1.mdb", "format-1.mdb.part", "old.mdb" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		(void)unlink(in(w, names[i]));
	(void)rmdir(in(w, "back"));
}

static enum sn_err open_it(struct world *w, struct sn_why *why)
{
	return (db_open(w->dir, UINT64_C(1) << 24, 8, NULL, &w->store, why));
}

/* True when the migration came to its end before it was killed. */
static bool survives(struct world *w, int count)
{
	struct sn_why why = { "" };
	int status;
	pid_t pid;

	if ((pid = fork()) == 0) {
		(void)close(STDERR_FILENO);
		atomic_store(&left, count);
		_exit(open_it(w, &why) == SN_OK ? 0 : 1);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == KILLED);
	return (WEXITSTATUS(status) == 0);
}

static void killed_at_any_call_it_is_as_it_was_or_migrated(void **state)
{
	struct world *w = *state;
	struct sn_why why = { "" };
	unsigned old = 0, new = 0;
	bool done = false;

	make_old(w);
	copy_file(in(w, "data.mdb"), in(w, "old.mdb"));
	for (int count = 0; !done; count++) {
		uint64_t format;

		copy_file(in(w, "old.mdb"), in(w, "data.mdb"));
		(void)unlink(in(w, "format-1.mdb"));
		done = survives(w, count);
		format = look_in(w->dir);
		old += format == 1;
		new += format == DB_FORMAT;
		if (is_there(in(w, "format-1.mdb")))
			look_at_copy(w);
		else
			assert_int_equal(format, 1);
		/* Whatever it was, it opens. */
		assert_int_equal(open_it(w, &why), SN_OK);
		assert_int_equal(look(w->store), DB_FORMAT);
		sn_store_close(w->store);
		w->store = NULL;
		look_at_copy(w);
		assert_false(is_there(in(w, "format-1.mdb.part")));
	}
	assert_true(old >= 8);
	assert_true(new >= 1);
	clean(w);
}

static void the_copy_is_safe_before_anything_is_changed(void **state)
{
	struct world *w = *state;
	struct sn_why why = { "" };
	const char *copied, *renamed, *changed;

	make_old(w);
	atomic_store(&left, 1000);
	atomic_store(&called, 0);
	memset(calls, 0, sizeof(calls));
	assert_int_equal(open_it(w, &why), SN_OK);
	atomic_store(&left, -1);
	/* Settled; copied and synced; named, and the folder synced; changed. */
	assert_memory_equal(calls, "mms", 3);
	copied = strrchr(calls, 'c');
	renamed = strchr(calls, 'r');
	changed = strchr(calls + 3, 'p');
	assert_non_null(copied);
	assert_non_null(renamed);
	assert_non_null(changed);
	/* A line of the log goes by write as well, behind all. */
	while (copied > renamed)
		copied--;
	assert_memory_equal(renamed - 1, "srS", 3);
	assert_true(renamed + 1 < changed);
	assert_int_equal(look(w->store), DB_FORMAT);
	look_at_copy(w);
	clean(w);
	/* It is migrated once. */
	sn_store_close(w->store);
	assert_int_equal(open_it(w, &why), SN_OK);
	assert_false(is_there(in(w, "format-1.mdb")));
}

static void without_room_for_the_copy_nothing_is_changed(void **state)
{
	struct world *w = *state;
	struct sn_why why = { "" };

	make_old(w);
	no_room = true;
	assert_int_equal(open_it(w, &why), SN_ESTOREFULL);
	no_room = false;
	assert_non_null(strstr(why.text, "No space left"));
	assert_int_equal(look_in(w->dir), 1);
	assert_false(is_there(in(w, "format-1.mdb")));
	assert_false(is_there(in(w, "format-1.mdb.part")));
	assert_int_equal(open_it(w, &why), SN_OK);
	assert_int_equal(look(w->store), DB_FORMAT);
	clean(w);
}

static void a_format_that_no_step_leads_from_is_refused(void **state)
{
	struct world *w = *state;
	struct sn_why why = { "" };
	struct sn_txn *txn;

	make_old(w);
	assert_int_equal(open_it(w, &why), SN_OK);
	txn = writing(w);
	assert_int_equal(
	    sn_txn_delete(txn, DB_META, sn_bytes_of(DB_META_FORMAT)), SN_OK);
	assert_int_equal(sn_txn_commit(txn), SN_OK);
	sn_store_close(w->store);
	w->store = NULL;
	assert_int_equal(open_it(w, &why), SN_ECORRUPT);
	assert_non_null(strstr(why.text, "restore it from a backup"));
	clean(w);
}

static void a_database_of_a_newer_version_is_refused_untouched(void **state)
{
	struct world *w = *state;
	struct sn_why why = { "" };
	struct sn_txn *txn;

	txn = writing(w);
	assert_int_equal(
	    db_meta_set(txn, DB_META_FORMAT, DB_FORMAT + 1), SN_OK);
	assert_int_equal(sn_txn_commit(txn), SN_OK);
	sn_store_close(w->store);
	w->store = NULL;
	assert_int_equal(open_it(w, &why), SN_ENEWER);
	assert_non_null(strstr(why.text, "newer sicherd"));
	assert_false(is_there(in(w, "format-4.mdb")));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(killed_at_any_call_it_is_as_it_was_or_migrated),
		T(the_copy_is_safe_before_anything_is_changed),
		T(without_room_for_the_copy_nothing_is_changed),
		T(a_format_that_no_step_leads_from_is_refused),
		T(a_database_of_a_newer_version_is_refused_untouched),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
