/*
 * What the log does on a disk that fails, a full one, and a damaged record:
 * each is answered and told as what it is, and rows that nobody waits for
 * cost no sync of their own.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "server/oplog/oplog_embedded.h"
#include "tests/unit/oplog_world.h"

/* The disk that LMDB meets here: these stand before the C library's. */
static atomic_int sync_fails, write_fails; /* An errno, or 0. */
static atomic_uint syncs;

/* The first calls since it was set to 0: 'm' a meta page, 'p' another page,
 * 's' a sync. */
static char calls[16];
static atomic_uint called;

static void note(char what)
{
	unsigned n = atomic_fetch_add(&called, 1);

	if (n < sizeof(calls) - 1)
		calls[n] = what;
}

int fdatasync(int fd)
{
	atomic_fetch_add(&syncs, 1);
	note('s');
	errno = atomic_load(&sync_fails);
	return (errno != 0 ? -1 : fsync(fd));
}

/* The tables find no room; their pages are whole, a journal's entry is not. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool full;
	unsigned refused, metas; /* Writes since then. */
} tables = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0, 0 };

static bool tables_refuse(size_t n, off_t at)
{
	bool no;

	pthread_mutex_lock(&tables.lock);
	no = tables.full && at >= 8192 && n % 4096 == 0;
	tables.refused += no;
	tables.metas += at < 8192 && n < 4096;
	pthread_cond_signal(&tables.wake);
	pthread_mutex_unlock(&tables.lock);
	if (no)
		errno = ENOSPC;
	return (no);
}

static void tables_full(bool full)
{
	pthread_mutex_lock(&tables.lock);
	tables.full = full;
	tables.refused = tables.metas = 0;
	pthread_mutex_unlock(&tables.lock);
}

static bool tables_reach(const unsigned *count)
{
	struct timespec until;
	bool there;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 20;
	pthread_mutex_lock(&tables.lock);
	while (*count == 0 &&
	       pthread_cond_timedwait(&tables.wake, &tables.lock, &until) == 0)
		continue;
	there = *count > 0;
	pthread_mutex_unlock(&tables.lock);
	return (there);
}

static bool meta_fails;

static bool refused_at(off_t at)
{
	note(at < 8192 ? 'm' : 'p');
	errno = EIO;
	return (at < 8192 && meta_fails);
}

static bool refused(void)
{
	errno = atomic_load(&write_fails);
	return (errno != 0);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	if (refused_at(at) || refused() || tables_refuse(n, at))
		return (-1);
	return (syscall(SYS_pwrite64, fd, p, n, at));
}

ssize_t pwritev(int fd, const struct iovec *v, int n, off_t at)
{
	if (refused_at(at) || refused() || tables_refuse(v[0].iov_len, at))
		return (-1);
	return (syscall(SYS_pwritev, fd, v, n, at, 0));
}

ssize_t writev(int fd, const struct iovec *v, int n)
{
	note('p');
	if (refused() || tables_refuse(v[0].iov_len, 8192))
		return (-1);
	return (syscall(SYS_writev, fd, v, n));
}

struct bed {
	struct world *world;
	struct oplog *log;
	int said, err; /* The log's lines, and where they went before. */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	unsigned answered;
	enum sn_err of[64]; /* By ref. */
};

static void take(void *arg, struct oplog_batch *batch)
{
	struct bed *b = arg;

	atomic_store(&batch->holders, 1);
	pthread_mutex_lock(&b->lock);
	for (struct oplog_request *q = batch->first; q != NULL; q = q->next) {
		b->of[q->ref] = q->err;
		b->answered++;
	}
	pthread_cond_signal(&b->wake);
	pthread_mutex_unlock(&b->lock);
	oplog_release(batch);
}

static int begin(void **state)
{
	struct oplog_embedded_options options = { .batch_max = 64,
		.queue_max = 1 << 24 };
	struct bed *b = calloc(1, sizeof(*b));
	void *world;

	assert_int_equal(setup(&world), 0);
	b->world = world;
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->wake, NULL);
	for (uint64_t id = 1; id <= 3; id++)
		assert_int_equal(
		    add(world, id, (char[]){ (char)('a' + id), '\0' }), SN_OK);
	assert_int_equal(oplog_embedded_start(
			     b->world->store, &options, take, b, &b->log, NULL),
	    SN_OK);
	b->said = memfd_create("said", MFD_CLOEXEC);
	b->err = dup(STDERR_FILENO);
	assert_true(dup2(b->said, STDERR_FILENO) >= 0);
	*state = b;
	return (0);
}

static int end(void **state)
{
	struct bed *b = *state;

	atomic_store(&sync_fails, 0);
	atomic_store(&write_fails, 0);
	oplog_stop(b->log);
	(void)dup2(b->err, STDERR_FILENO);
	(void)close(b->err);
	(void)close(b->said);
	*state = b->world;
	free(b);
	return (teardown(state));
}

/* How many lines of this event there are, and that they say this. */
static unsigned lines(struct bed *b, const char *event, const char *says)
{
	static char text[65536];
	ssize_t n = pread(b->said, text, sizeof(text) - 1, 0);
	unsigned found = 0;

	assert_true(n >= 0);
	text[n] = '\0';
	for (char *save, *line = strtok_r(text, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		if (strstr(line, event) == NULL)
			continue;
		assert_non_null(strstr(line, says));
		found++;
	}
	return (found);
}

static void await(struct bed *b, unsigned count)
{
	pthread_mutex_lock(&b->lock);
	while (b->answered < count)
		pthread_cond_wait(&b->wake, &b->lock);
	pthread_mutex_unlock(&b->lock);
}

static struct oplog_request *post(uint64_t from, uint64_t to, uint64_t ref)
{
	struct op op = { .kind = OP_MESSAGE, .time = 5000 };
	struct oplog_request *q;

	op.message.sender = from;
	op.message.direct = true;
	op.message.target = to;
	memset(op.message.id, (int)ref + 1, sizeof(op.message.id));
	op.message.tail = sn_bytes_of("a tail");
	assert_int_equal(oplog_request_new(&op, &q), SN_OK);
	q->kind = OP_MESSAGE;
	q->ref = ref;
	return (q);
}

static struct oplog_request *row(uint64_t key, size_t size, uint64_t ref)
{
	static const uint8_t nothing[1 << 20];
	struct db_key k = db_key1(key);
	struct oplog_request *q;

	assert_int_equal(oplog_local_new(DB_ACCOUNT_SEEN, db_bytes(&k),
			     (struct sn_bytes){ nothing, size }, &q),
	    SN_OK);
	q->ref = ref;
	return (q);
}

/* Submit by itself, and what became of it. */
static enum sn_err now(struct bed *b, struct oplog_request *q)
{
	uint64_t ref = q->ref;
	unsigned before = b->answered;

	assert_int_equal(oplog_submit(b->log, q), SN_OK);
	await(b, before + 1);
	return (b->of[ref]);
}

static void damage_account(struct bed *b, uint64_t id)
{
	struct db_key key = db_key1(id);
	struct sn_txn *txn;

	assert_int_equal(sn_txn_write(b->world->store, &txn), SN_OK);
	assert_int_equal(sn_txn_put(txn, DB_ACCOUNTS, db_bytes(&key),
			     sn_bytes_of("no such record")),
	    SN_OK);
	assert_int_equal(sn_txn_commit(txn), SN_OK);
}

static void a_failed_sync_is_no_damage_even_beside_some(void **state)
{
	struct bed *b = *state;

	damage_account(b, 3);
	atomic_store(&sync_fails, EIO);
	assert_int_equal(oplog_submit_more(b->log, post(3, 1, 0)), SN_OK);
	assert_int_equal(oplog_submit_more(b->log, post(1, 2, 1)), SN_OK);
	assert_int_equal(oplog_submit_more(b->log, post(2, 1, 2)), SN_OK);
	oplog_wake(b->log);
	await(b, 3);
	assert_int_equal(b->of[0], SN_ECORRUPT);
	assert_int_equal(b->of[1], SN_ESTORE);
	assert_int_equal(b->of[2], SN_ESTORE);
	assert_int_equal(lines(b, "record.damaged", "SN_ECORRUPT"), 1);
	assert_int_equal(lines(b, "store.failed", "look at the disk"), 2);
	/* It is well again, and no later success is believed. */
	atomic_store(&sync_fails, 0);
	assert_int_equal(now(b, post(1, 2, 3)), SN_ESTORE);
}

static void a_full_disk_is_told_as_such_and_writing_goes_on(void **state)
{
	struct bed *b = *state;

	damage_account(b, 3);
	atomic_store(&write_fails, ENOSPC);
	assert_int_equal(oplog_submit_more(b->log, post(3, 1, 0)), SN_OK);
	assert_int_equal(oplog_submit_more(b->log, post(1, 2, 1)), SN_OK);
	oplog_wake(b->log);
	await(b, 2);
	assert_int_equal(b->of[0], SN_ECORRUPT);
	assert_int_equal(b->of[1], SN_ESTOREFULL);
	assert_int_equal(lines(b, "record.damaged", "SN_ECORRUPT"), 1);
	assert_int_equal(lines(b, "store.full", "of=disk"), 1);
	assert_int_equal(lines(b, "store.failed", ""), 0);
	atomic_store(&write_fails, 0);
	assert_int_equal(now(b, post(1, 2, 2)), SN_OK);
}

static void a_full_map_is_told_as_such_and_small_rows_still_fit(void **state)
{
	struct bed *b = *state;
	enum sn_err err = SN_OK;

	for (uint64_t i = 0; err == SN_OK && i < 20; i++)
		err = now(b, row(i, 1 << 20, 0));
	assert_int_equal(err, SN_ESTOREFULL);
	assert_int_equal(lines(b, "store.full", "of=map"), 1);
	assert_int_equal(now(b, row(0, 8, 1)), SN_OK);
}

static void a_row_that_nobody_waits_for_costs_no_sync_of_its_own(void **state)
{
	struct bed *b = *state;
	unsigned before = atomic_load(&syncs);

	for (uint64_t i = 0; i < 40; i++)
		assert_int_equal(oplog_ride(b->log, row(i, 8, i)), SN_OK);
	/* It has had all it needs to begin, and has not. */
	assert_int_equal(atomic_load(&syncs), before);
	assert_int_equal(now(b, post(1, 2, 50)), SN_OK);
	assert_int_equal(b->answered, 41);
	assert_int_equal(atomic_load(&syncs), before + 1);
	/* Without a message, whoever wakes the log takes them along. */
	assert_int_equal(oplog_ride(b->log, row(1, 8, 51)), SN_OK);
	oplog_wake(b->log);
	await(b, 42);
	assert_int_equal(b->of[51], SN_OK);
	assert_int_equal(atomic_load(&syncs), before + 2);
	/* And so does its end. */
	assert_int_equal(oplog_ride(b->log, row(2, 8, 52)), SN_OK);
}

static void reopen_with(
    struct bed *b, atomic_int *latch, struct oplog_embedded_options options)
{
	struct sn_why why = { "" };

	oplog_stop(b->log);
	sn_store_close(b->world->store);
	memset(calls, 0, sizeof(calls));
	atomic_store(&called, 0);
	assert_int_equal(db_open(b->world->dir, UINT64_C(1) << 24, 8, latch,
			     &b->world->store, &why),
	    SN_OK);
	assert_int_equal(oplog_embedded_start(
			     b->world->store, &options, take, b, &b->log, NULL),
	    SN_OK);
}

static void reopen_up_to(struct bed *b, atomic_int *latch, uint64_t queue_max)
{
	reopen_with(b, latch,
	    (struct oplog_embedded_options){
		.batch_max = 64, .queue_max = queue_max });
}

static void reopen(struct bed *b, atomic_int *latch)
{
	reopen_up_to(b, latch, 1 << 24);
}

static uint64_t rows_of(struct bed *b, enum db_table table)
{
	struct sn_txn *txn;
	uint64_t n;

	assert_int_equal(sn_txn_read(b->world->store, &txn), SN_OK);
	assert_int_equal(sn_txn_count(txn, table, &n), SN_OK);
	sn_txn_abort(txn);
	return (n);
}

static void a_message_costs_one_sync_and_the_tables_follow(void **state)
{
	struct bed *b = *state;
	struct oplog_request *wish;
	char path[128];
	unsigned before;
	uint64_t rows;

	reopen_with(b, NULL,
	    (struct oplog_embedded_options){
		.batch_max = 64, .queue_max = 1 << 24, .dir = b->world->dir });
	/* The first between two is in the tables when it is answered. */
	assert_int_equal(now(b, post(1, 2, 0)), SN_OK);
	assert_true(oplog_settled(b->log, oplog_head(b->log)));
	rows = rows_of(b, DB_DEDUPE);
	before = atomic_load(&syncs);
	assert_int_equal(now(b, post(1, 2, 1)), SN_OK);
	assert_true(atomic_load(&syncs) <= before + 2);
	assert_int_equal(oplog_settle_new(OPLOG_SETTLE_NOW, &wish), SN_OK);
	assert_int_equal(now(b, wish), SN_OK);
	assert_true(oplog_settled(b->log, oplog_head(b->log)));
	assert_int_equal(rows_of(b, DB_DEDUPE), rows + 1);
	assert_int_equal(atomic_load(&syncs), before + 2);
	/* A row rides with the tables' commit, which needs nobody's asking. */
	assert_int_equal(oplog_ride(b->log, row(7, 8, 3)), SN_OK);
	assert_int_equal(oplog_submit(b->log, post(1, 2, 2)), SN_OK);
	await(b, 5);
	assert_int_equal(b->of[3], SN_OK);
	assert_int_equal(atomic_load(&syncs), before + 4);
	assert_int_equal(rows_of(b, DB_ACCOUNT_SEEN), 1);
	(void)snprintf(path, sizeof(path), "%s/journal", b->world->dir);
	assert_int_equal(unlink(path), 0);
}

static void rows_that_nobody_waits_for_keep_no_message_out_for_long(
    void **state)
{
	struct bed *b = *state;
	struct oplog_request *q;
	enum sn_err err;
	unsigned n = 0;

	reopen_up_to(b, NULL, 4096);
	for (err = SN_OK; err == SN_OK; n += err == SN_OK) {
		q = row(n, 100, n);
		if ((err = oplog_ride(b->log, q)) != SN_OK)
			oplog_request_free(q);
	}
	assert_int_equal(err, SN_EFULL);
	/* The refusal alone has it go on. */
	await(b, n);
	assert_int_equal(now(b, post(1, 2, 50)), SN_OK);
}

/* Or a power cut in the middle of the next commit would leave what the disk
 * has in force, and the page cache does not, half overwritten. */
static void what_is_in_force_is_on_the_disk_before_anything_is_written(
    void **state)
{
	struct bed *b = *state;
	struct sn_txn *txn;

	meta_fails = true;
	assert_int_not_equal(now(b, post(1, 2, 0)), SN_OK);
	assert_int_not_equal(sn_txn_read(b->world->store, &txn), SN_OK);
	assert_true(sn_store_panicked(b->world->store));
	/* Still: it opens, to be read. */
	reopen(b, NULL);
	assert_true(sn_store_latched(b->world->store));
	assert_int_equal(now(b, post(1, 2, 0)), SN_ESTORE);
	meta_fails = false;
	reopen(b, NULL);
	assert_false(sn_store_latched(b->world->store));
	assert_int_equal(now(b, post(1, 2, 0)), SN_OK);
	assert_memory_equal(calls, "mms", 3);
	assert_non_null(strchr(calls, 'p'));
}

static void a_latch_outlives_the_store_that_was_opened_with_it(void **state)
{
	struct bed *b = *state;
	atomic_int latch = 0;

	reopen(b, &latch);
	assert_int_equal(now(b, post(1, 2, 0)), SN_OK);
	atomic_store(&sync_fails, EIO);
	assert_int_equal(now(b, post(1, 2, 1)), SN_ESTORE);
	atomic_store(&sync_fails, 0);
	reopen(b, &latch);
	assert_int_equal(now(b, post(1, 2, 1)), SN_ESTORE);
	/* Not even what was settled. */
	assert_int_equal(atomic_load(&called), 0);
	reopen(b, NULL);
	assert_int_equal(now(b, post(1, 2, 1)), SN_OK);
}

static struct oplog_request *large(uint64_t ref)
{
	static const uint8_t nothing[60000];
	struct op op = { .kind = OP_MESSAGE, .time = 5000 };
	struct oplog_request *q;

	op.message.sender = 1;
	op.message.direct = true;
	op.message.target = 2;
	memset(op.message.id, (int)ref + 1, sizeof(op.message.id));
	op.message.tail = (struct sn_bytes){ nothing, sizeof(nothing) };
	assert_int_equal(oplog_request_new(&op, &q), SN_OK);
	q->kind = OP_MESSAGE;
	q->ref = ref;
	return (q);
}

/* So much that the log waits for no pause to commit it. */
static void what_found_no_room_is_tried_again_though_nobody_asks(void **state)
{
	struct bed *b = *state;
	char journal[128];

	reopen_with(b, NULL,
	    (struct oplog_embedded_options){
		.batch_max = 64, .queue_max = 1 << 24, .dir = b->world->dir });
	assert_int_equal(now(b, post(1, 2, 0)), SN_OK);
	tables_full(true);
	for (uint64_t ref = 1; ref <= 40; ref++)
		assert_int_equal(oplog_submit_more(b->log, large(ref)), SN_OK);
	oplog_wake(b->log);
	await(b, 41);
	for (uint64_t ref = 1; ref <= 40; ref++)
		assert_int_equal(b->of[ref], SN_OK);
	assert_true(tables_reach(&tables.refused));
	tables_full(false);
	assert_true(tables_reach(&tables.metas));
	/* That one has been told when this is. */
	assert_int_equal(now(b, post(1, 2, 50)), SN_OK);
	assert_false(oplog_stuck(b->log));
	(void)snprintf(journal, sizeof(journal), "%s/journal", b->world->dir);
	assert_int_equal(unlink(journal), 0);
}

/* It is tried once for all of them, and not for each. */
static void what_is_pending_and_cannot_be_written_is_told_once(void **state)
{
	struct oplog_embedded_options options = { .batch_max = 64,
		.queue_max = 1 << 24 };
	struct bed *b = *state;
	struct sn_why why = { "" };
	char journal[128];

	options.dir = b->world->dir;
	reopen_with(b, NULL, options);
	assert_int_equal(now(b, post(1, 2, 0)), SN_OK);
	tables_full(true);
	assert_int_equal(now(b, post(1, 2, 1)), SN_OK);
	assert_true(tables_reach(&tables.refused));
	oplog_stop(b->log);
	tables_full(false);
	damage_account(b, 1);
	assert_int_equal(oplog_embedded_start(
			     b->world->store, &options, take, b, &b->log, &why),
	    SN_OK);
	assert_int_equal(lines(b, "journal.pending", "SN_ECORRUPT"), 1);
	for (uint64_t ref = 2; ref < 40; ref++)
		assert_int_equal(
		    oplog_submit_more(b->log, post(2, 3, ref)), SN_OK);
	oplog_wake(b->log);
	await(b, 40);
	for (uint64_t ref = 2; ref < 40; ref++)
		assert_int_equal(b->of[ref], SN_ECORRUPT);
	assert_int_equal(lines(b, "record.damaged", "SN_ECORRUPT"), 1);
	(void)snprintf(journal, sizeof(journal), "%s/journal", b->world->dir);
	assert_int_equal(unlink(journal), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    a_failed_sync_is_no_damage_even_beside_some, begin, end),
		cmocka_unit_test_setup_teardown(
		    a_full_disk_is_told_as_such_and_writing_goes_on, begin,
		    end),
		cmocka_unit_test_setup_teardown(
		    a_full_map_is_told_as_such_and_small_rows_still_fit, begin,
		    end),
		cmocka_unit_test_setup_teardown(
		    what_is_in_force_is_on_the_disk_before_anything_is_written,
		    begin, end),
		cmocka_unit_test_setup_teardown(
		    a_latch_outlives_the_store_that_was_opened_with_it, begin,
		    end),
		cmocka_unit_test_setup_teardown(
		    a_row_that_nobody_waits_for_costs_no_sync_of_its_own, begin,
		    end),
		cmocka_unit_test_setup_teardown(
		    a_message_costs_one_sync_and_the_tables_follow, begin, end),
		cmocka_unit_test_setup_teardown(
		    rows_that_nobody_waits_for_keep_no_message_out_for_long,
		    begin, end),
		cmocka_unit_test_setup_teardown(
		    what_is_pending_and_cannot_be_written_is_told_once, begin,
		    end),
		cmocka_unit_test_setup_teardown(
		    what_found_no_room_is_tried_again_though_nobody_asks, begin,
		    end),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
