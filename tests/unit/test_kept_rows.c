/*
 * Cursors and read marks, when the log refuses their rows: they are kept,
 * count, and are tried again.
 */
#include <time.h>

#include "lib/secret.h"
#include "server/net/cursors.h"
#include "server/net/reads.h"
#include "tests/unit/oplog_world.h"

#define MANY 30 /* More calls than anything lingers. */

/* A log that answers when it is told to, and what. */
struct slow {
	struct oplog oplog;
	bool closed;
	struct oplog_request *first;
	unsigned count;
};

static enum sn_err submit(struct oplog *log, struct oplog_request *q)
{
	struct slow *s = (struct slow *)log;

	if (s->closed)
		return (SN_EFULL);
	q->next = s->first;
	s->first = q;
	s->count++;
	return (SN_OK);
}

static void wake(struct oplog *log)
{
	(void)log;
}

static const struct oplog_backend backend = { submit, wake, NULL, NULL };

/* What it was given becomes of ${err}; rows that were stored are there. */
static unsigned answer(struct slow *s, struct world *w, struct cursors *c,
    struct reads *r, enum sn_err err)
{
	unsigned n = s->count;
	struct sn_txn *txn;

	assert_int_equal(sn_txn_write(w->store, &txn), SN_OK);
	for (struct oplog_request *q = s->first, *next; q != NULL; q = next) {
		struct sn_bytes key = { q->data, q->key_len };

		next = q->next;
		if (err == SN_OK)
			assert_int_equal(
			    sn_txn_put(txn, q->table, key,
				(struct sn_bytes){ q->data + q->key_len,
				    q->len - q->key_len }),
			    SN_OK);
		if (q->table == DB_CURSORS)
			cursors_stored(c, key, err);
		else
			reads_stored(r, key, err);
		oplog_request_free(q);
	}
	s->first = NULL;
	s->count = 0;
	assert_int_equal(sn_txn_commit(txn), SN_OK);
	return (n);
}

static enum sn_err claim(struct world *w, struct cursors *c, const char *name,
    unsigned limit, struct cursor **out)
{
	static const uint8_t device[DEVICE_FINGERPRINT] = { 7 };
	const struct cursors_owner owner = { 0, 1 };
	struct cursors_owner former;
	struct sn_txn *txn;
	enum sn_err err;

	assert_int_equal(sn_txn_read(w->store, &txn), SN_OK);
	err = cursors_claim(c, txn, device, sn_bytes_of(name), 5, limit, true,
	    owner, out, &former);
	sn_txn_abort(txn);
	return (err);
}

static uint64_t cpu_ns(void)
{
	struct timespec t;

	assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t), 0);
	return ((uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec);
}

/* What so many devices cost that come for the first time. */
static uint64_t newcomers(struct world *w, struct cursors *c, unsigned n)
{
	const struct cursors_owner owner = { 0, 1 };
	struct cursors_owner former;
	uint64_t begun = cpu_ns();
	struct cursor *cursor;
	struct sn_txn *txn;

	assert_int_equal(sn_txn_read(w->store, &txn), SN_OK);
	for (unsigned i = 0; i < n; i++) {
		uint8_t device[DEVICE_FINGERPRINT];

		sn_secret_random(device, sizeof(device));
		assert_int_equal(
		    cursors_claim(c, txn, device, sn_bytes_of("main"), 5, 1,
			false, owner, &cursor, &former),
		    SN_OK);
	}
	sn_txn_abort(txn);
	return (cpu_ns() - begun);
}

static void a_new_consumer_costs_the_same_however_many_are_new(void **state)
{
	struct world *w = *state;
	struct cursors *c;
	uint64_t few, last = UINT64_MAX, one;

	assert_int_equal(cursors_new(&c), SN_OK);
	few = newcomers(w, c, 1000);
	(void)newcomers(w, c, 20000);
	/* The least of a few, for something else may run in between. */
	for (unsigned i = 0; i < 5; i++) {
		one = newcomers(w, c, 1000);
		if (one < last)
			last = one;
	}
	/* In one list it were a hundred times as much. */
	if (last > 10 * few)
		fail_msg("%llu ns, and behind many %llu",
		    (unsigned long long)few, (unsigned long long)last);
	cursors_free(c);
}

static void count(void *arg, uint64_t seq, uint64_t start)
{
	(void)seq;
	(void)start;
	++*(unsigned *)arg;
}

static unsigned known(struct world *w, struct cursors *c)
{
	static const uint8_t device[DEVICE_FINGERPRINT] = { 7 };
	struct sn_txn *txn;
	unsigned n = 0;

	assert_int_equal(sn_txn_read(w->store, &txn), SN_OK);
	assert_int_equal(cursors_each(c, txn, device, count, &n), SN_OK);
	sn_txn_abort(txn);
	return (n);
}

static void a_consumer_whose_row_is_refused_counts_and_is_tried_again(
    void **state)
{
	struct slow slow = { .oplog = { .backend = &backend } };
	struct world *w = *state;
	struct cursors *c;
	struct cursor *cursor;

	assert_int_equal(cursors_new(&c), SN_OK);
	assert_int_equal(claim(w, c, "one", 1, &cursor), SN_OK);
	for (unsigned i = 0; i < MANY; i++) {
		slow.closed = i % 2 == 0;
		cursors_store(c, &slow.oplog);
		/* Refused at the door, or later by a full disk. */
		assert_int_equal(answer(&slow, w, c, NULL, SN_ESTOREFULL),
		    slow.closed ? 0 : 1);
		assert_int_equal(claim(w, c, "two", 1, &cursor), SN_ELIMIT);
		assert_int_equal(known(w, c), 1);
	}
	/* The log has it and is in no hurry: still the only one. */
	slow.closed = false;
	cursors_store(c, &slow.oplog);
	for (unsigned i = 0; i < MANY; i++) {
		cursors_store(c, &slow.oplog);
		assert_int_equal(slow.count, 1);
		assert_int_equal(claim(w, c, "two", 1, &cursor), SN_ELIMIT);
	}
	assert_int_equal(answer(&slow, w, c, NULL, SN_OK), 1);
	for (unsigned i = 0; i < MANY; i++) {
		cursors_store(c, &slow.oplog);
		assert_int_equal(known(w, c), 1);
		assert_int_equal(claim(w, c, "two", 1, &cursor), SN_ELIMIT);
	}
	assert_int_equal(slow.count, 0);
	assert_int_equal(claim(w, c, "two", 2, &cursor), SN_OK);
	cursors_free(c);
}

static uint64_t read_up_to(struct world *w, struct reads *r)
{
	struct sn_txn *txn;
	uint64_t seq;

	assert_int_equal(sn_txn_read(w->store, &txn), SN_OK);
	assert_int_equal(reads_get(r, txn, 3, 4, &seq), SN_OK);
	sn_txn_abort(txn);
	return (seq);
}

static bool mark(struct world *w, struct reads *r, uint64_t seq)
{
	struct sn_txn *txn;
	bool moved;

	assert_int_equal(sn_txn_read(w->store, &txn), SN_OK);
	assert_int_equal(reads_mark(r, txn, 3, 4, seq, &moved), SN_OK);
	sn_txn_abort(txn);
	return (moved);
}

static void a_mark_that_is_refused_does_not_fall_back(void **state)
{
	struct slow slow = { .oplog = { .backend = &backend } };
	struct world *w = *state;
	struct reads *r;

	assert_int_equal(reads_new(&r), SN_OK);
	assert_true(mark(w, r, 9));
	for (unsigned i = 0; i < MANY; i++) {
		slow.closed = i % 2 == 0;
		reads_store(r, &slow.oplog);
		assert_int_equal(
		    answer(&slow, w, NULL, r, SN_ESTORE), slow.closed ? 0 : 1);
		assert_int_equal(read_up_to(w, r), 9);
		assert_false(mark(w, r, 8));
	}
	/* A log in no hurry: it stays here until it is there. */
	slow.closed = false;
	reads_store(r, &slow.oplog);
	for (unsigned i = 0; i < MANY; i++) {
		reads_store(r, &slow.oplog);
		assert_int_equal(slow.count, 1);
		assert_int_equal(read_up_to(w, r), 9);
	}
	assert_int_equal(answer(&slow, w, NULL, r, SN_OK), 1);
	for (unsigned i = 0; i < MANY; i++)
		reads_store(r, &slow.oplog);
	assert_int_equal(slow.count, 0);
	assert_int_equal(read_up_to(w, r), 9);
	assert_true(mark(w, r, 10));
	reads_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    a_consumer_whose_row_is_refused_counts_and_is_tried_again,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_new_consumer_costs_the_same_however_many_are_new, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    a_mark_that_is_refused_does_not_fall_back, setup, teardown),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
