#ifndef TESTS_UNIT_OPLOG_SCRIPTED_H
#define TESTS_UNIT_OPLOG_SCRIPTED_H

#include "server/oplog/applier.h"
#include "server/oplog/oplog.h"

/*
 * A log that is kept elsewhere, as a cluster's would be: it numbers every
 * operation, also those that will be refused; it says what it holds in
 * order, but late, in batches of any size, twice, and after a restart again
 * from some way back.  What it does when is drawn from a seed.
 */
#define SCRIPTED_MAX 4096

struct scripted {
	struct oplog oplog;
	const char *dir; /* Of the node's database. */
	struct sn_store *store;
	oplog_sink *sink;
	void *arg;
	uint32_t chance;
	/* The log itself: it outlives the node. */
	struct oplog_request *entries[SCRIPTED_MAX];
	struct sn_bytes ops[SCRIPTED_MAX];
	size_t count;
	/* The node: what it is told next. */
	size_t next;
	unsigned restarts, repeats;
};

static inline uint32_t scripted_draw(uint32_t *chance, uint32_t below)
{
	*chance = *chance * 1664525U + 1013904223U;
	return ((*chance >> 8) % below);
}

static inline enum sn_err scripted_submit(
    struct oplog *log, struct oplog_request *q)
{
	struct scripted *s = (struct scripted *)log;
	uint8_t *copy;

	if (s->count == SCRIPTED_MAX)
		return (SN_EFULL);
	copy = malloc(q->len);
	memcpy(copy, q->data, q->len);
	s->ops[s->count] = (struct sn_bytes){ copy, q->len };
	s->entries[s->count++] = q;
	return (SN_OK);
}

/* It does things when it likes. */
static inline void scripted_wake(struct oplog *log)
{
	(void)log;
}

/* Its tables hold what it answers. */
static inline void scripted_await(struct oplog *log, uint64_t seq, unsigned ms)
{
	(void)log;
	(void)seq;
	(void)ms;
}

static inline void scripted_stop(struct oplog *log)
{
	struct scripted *s = (struct scripted *)log;

	for (size_t i = 0; i < s->count; i++) {
		union {
			const void *from;
			void *to;
		} u = { .from = s->ops[i].p };

		oplog_request_free(s->entries[i]);
		free(u.to);
	}
}

static const struct oplog_backend scripted_backend = { scripted_submit,
	scripted_wake, scripted_await, scripted_stop };

static inline void scripted_open(struct scripted *s)
{
	struct sn_why why = { "" };

	assert_int_equal(
	    db_open(s->dir, UINT64_C(1) << 26, 8, NULL, &s->store, &why),
	    SN_OK);
}

/* Its process dies and comes back; the log tells it again from a while
 * before what it had applied. */
static inline void scripted_restart(struct scripted *s)
{
	size_t back = scripted_draw(&s->chance, 40);

	sn_store_close(s->store);
	scripted_open(s);
	s->next = s->next > back ? s->next - back : 0;
	s->restarts++;
}

/* One operation into the transaction; its answer where somebody waits. */
static inline void scripted_apply(
    struct scripted *s, struct applier *a, size_t i)
{
	struct applied applied = { .seq = 0 };
	enum sn_err err = applier_apply(a, s->ops[i], i + 1, &applied);

	assert_true(err == SN_OK || sn_err_class(err) == SN_C_REQUEST);
	if (err == SN_EEXISTS && i + 1 <= a->last) {
		s->repeats++;
		return;
	}
	applier_seen(a, i + 1);
	if (s->entries[i] != NULL) {
		s->entries[i]->err = err;
		s->entries[i]->applied = applied;
	}
}

static inline void scripted_answer(struct scripted *s, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		struct oplog_batch *batch;

		if (s->entries[i] == NULL)
			continue;
		batch = calloc(1, sizeof(*batch));
		assert_non_null(batch);
		batch->first = s->entries[i];
		batch->first->next = NULL;
		s->entries[i] = NULL;
		s->sink(s->arg, batch);
	}
}

/* What the log does next. */
static inline void scripted_turn(struct scripted *s)
{
	size_t from = s->next, n = 1 + scripted_draw(&s->chance, 12);
	size_t to = from + n < s->count ? from + n : s->count;
	bool dies = scripted_draw(&s->chance, 16) == 0;
	struct applier a;

	if (scripted_draw(&s->chance, 4) == 0)
		return; /* Late. */
	assert_int_equal(applier_begin(s->store, &a), SN_OK);
	for (size_t i = from; i < to; i++) {
		scripted_apply(s, &a, i);
		if (scripted_draw(&s->chance, 8) == 0)
			scripted_apply(s, &a, i); /* Twice. */
	}
	if (dies && scripted_draw(&s->chance, 2) == 0) {
		/* In the middle: nothing of the batch was kept. */
		applier_abort(&a);
		scripted_restart(s);
		return;
	}
	assert_int_equal(applier_commit(&a), SN_OK);
	s->next = to;
	scripted_answer(s, from, to);
	if (dies)
		scripted_restart(s);
}

#endif
