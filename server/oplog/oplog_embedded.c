#include "server/oplog/oplog_embedded.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "server/oplog/writer.h"

/* The tables are committed when nothing has come for so long, or what came
 * first has waited so long. */
#define QUIET_NS (10 * SN_NS_PER_MS)
#define OPEN_NS (100 * SN_NS_PER_MS)
#define STUCK_NS SN_NS_PER_S /* Between two attempts. */

struct embedded {
	struct oplog oplog;
	struct sn_store *store;
	struct oplog_embedded_options options;
	oplog_sink *sink;
	void *arg;
	pthread_t thread;
	struct sn_log_limit failures;
	struct writer *writer;
	/* Applied, and answered when it is committed: rows, and who waits. */
	struct oplog_request *held, **held_tail;
	uint64_t open_since; /* The transaction; monotonic; 0: there is none. */
	/* Guarded by ${lock}. */
	pthread_mutex_t lock;
	pthread_cond_t wake, settled;
	struct oplog_request *first, **tail;
	uint64_t queued;
	bool due; /* Somebody waits for what is queued. */
	bool stopping;
};

static enum sn_err submit(struct oplog *log, struct oplog_request *q)
{
	struct embedded *e = (struct embedded *)log;
	enum sn_err err = SN_OK;

	pthread_mutex_lock(&e->lock);
	if (e->stopping)
		err = SN_ECLOSED;
	else if (q->len > e->options.queue_max - e->queued)
		err = SN_EFULL;
	if (err == SN_OK) {
		q->next = NULL;
		*e->tail = q;
		e->tail = &q->next;
		e->queued += q->len;
	} else if (err == SN_EFULL) {
		/* Of rows that nobody waits for, it may be. */
		e->due = e->first != NULL;
		pthread_cond_signal(&e->wake);
	}
	pthread_mutex_unlock(&e->lock);
	return (err);
}

static void wake(struct oplog *log)
{
	struct embedded *e = (struct embedded *)log;

	pthread_mutex_lock(&e->lock);
	/* Unless it has been taken along already. */
	if (e->first != NULL)
		e->due = true;
	pthread_cond_signal(&e->wake);
	pthread_mutex_unlock(&e->lock);
}

static struct timespec at(uint64_t ns)
{
	return ((struct timespec){ .tv_sec = (time_t)(ns / SN_NS_PER_S),
	    .tv_nsec = (long)(ns % SN_NS_PER_S) });
}

/* When the tables are to be committed if nothing comes; 0: not. */
static uint64_t commit_at(const struct embedded *e)
{
	uint64_t now;

	if (e->open_since == 0)
		return (0);
	now = sn_clock_mono();
	return (now + (writer_stuck(e->writer) ? STUCK_NS : QUIET_NS));
}

/* Until there is something to do; false when it is time to commit. */
static bool rest(struct embedded *e)
{
	uint64_t until = commit_at(e);
	struct timespec t = at(until);

	while ((e->first == NULL || !e->due) && !e->stopping) {
		if (until == 0)
			pthread_cond_wait(&e->wake, &e->lock);
		else if (pthread_cond_timedwait(&e->wake, &e->lock, &t) != 0)
			return (false);
	}
	return (true);
}

/* The next batch's requests; NULL when there are none and a commit is due, or
 * *${over}: it was stopped and all is done. */
static struct oplog_request *collect(struct embedded *e, bool *over)
{
	struct oplog_request *first = NULL, **end;

	*over = false;
	pthread_mutex_lock(&e->lock);
	if (rest(e)) {
		first = e->first;
		end = &e->first;
		for (unsigned n = 0; *end != NULL && n < e->options.batch_max;
		     n++) {
			e->queued -= (*end)->len;
			end = &(*end)->next;
		}
		e->first = *end;
		*end = NULL;
		if (e->first == NULL)
			e->tail = &e->first;
		e->due = e->first != NULL;
		*over = first == NULL;
	}
	pthread_mutex_unlock(&e->lock);
	return (first);
}

/* Whose fault it is decides what somebody has to do: give it room, look at
 * the disk, or look for the record. */
static void tell(struct embedded *e, enum sn_err err, enum op_kind kind)
{
	unsigned dropped;

	if (!sn_log_allow(&e->failures, &dropped))
		return;
	if (err == SN_ECORRUPT || err == SN_ENEWER)
		sn_log(SN_ALARM, "record.damaged",
		    "op=%d error=%s withheld=%u what=\"an operation was "
		    "refused for it; sicherd check says which record\"",
		    (int)kind, sn_err_name(err), dropped);
	else if (err == SN_ESTOREFULL)
		sn_log(SN_ALARM, "store.full",
		    "of=%s reason=\"%s\" withheld=%u what=\"senders are told, "
		    "reading goes on, and writing when there is room\"",
		    sn_store_map_full(e->store) ? "map" : "disk",
		    sn_store_reason(e->store), dropped);
	else
		sn_log(SN_ALARM, "store.failed",
		    "error=%s reason=\"%s\" withheld=%u what=\"%s\"",
		    sn_err_name(err), sn_store_reason(e->store), dropped,
		    err == SN_ESTORE ? "nothing is written until sicherd is "
				       "restarted; look at the disk first"
				     : "what was to be stored was refused");
}

/*
 * The frame is built in place: what stands around the tail in the encoded
 * operation has been copied into the database.  Before it, that is longer than
 * a head; behind it there is room for what a frame has there.
 */
static void frame_message(struct oplog_request *q)
{
	uint8_t head[SN_FRAME_AROUND];
	struct sn_wr w = sn_wr_over(head, sizeof(head));
	struct sn_wr behind =
	    sn_wr_over(q->tail + q->tail_len, SN_FRAME_BEHIND);

	sn_frame_put_deliver_head(&w, q->applied.seq, q->tail_len, q->expires);
	sn_frame_put_behind(&behind, q->expires);
	memcpy(q->tail - w.n, head, w.n);
	q->frame =
	    (struct sn_bytes){ q->tail - w.n, w.n + q->tail_len + behind.n };
}

/* What the tables hold, then what is told: never the other way round. */
static void publish(struct embedded *e)
{
	uint64_t last = writer_last(e->writer);

	pthread_mutex_lock(&e->lock);
	if (writer_pending(e->writer) == 0)
		atomic_store(&e->oplog.settled, last);
	atomic_store(&e->oplog.stuck, writer_stuck(e->writer));
	atomic_store(&e->oplog.head, last);
	pthread_cond_broadcast(&e->settled);
	pthread_mutex_unlock(&e->lock);
}

/* What was held comes first: it was there before. */
static struct oplog_request *take_held(
    struct embedded *e, struct oplog_request *first)
{
	struct oplog_request *all = first;

	if (e->held != NULL) {
		*e->held_tail = first;
		all = e->held;
	}
	e->held = NULL;
	e->held_tail = &e->held;
	return (all);
}

static void answer(
    struct embedded *e, struct oplog_request *first, enum sn_err err)
{
	struct oplog_batch *batch;

	publish(e);
	if (first == NULL)
		return;
	/* Nobody could be answered: stop rather than lose answers. */
	if ((batch = calloc(1, sizeof(*batch))) == NULL)
		abort();
	batch->first = first;
	batch->head = writer_last(e->writer);
	for (struct oplog_request *q = first; q != NULL; q = q->next) {
		if (err != SN_OK)
			q->err = err;
		else if (q->err == SN_OK && !q->applied.duplicate &&
			 q->applied.what == APPLIED_MESSAGE)
			frame_message(q);
	}
	e->sink(e->arg, batch);
}

/* Rows and wishes wait for the commit; the others are told now. */
static struct oplog_request *hold_some(
    struct embedded *e, struct oplog_request *first)
{
	struct oplog_request **at = &first;

	while (*at != NULL) {
		struct oplog_request *q = *at;

		if (!q->local && q->settle == OPLOG_SETTLE_NOT) {
			at = &q->next;
			continue;
		}
		*at = q->next;
		q->next = NULL;
		*e->held_tail = q;
		e->held_tail = &q->next;
	}
	return (first);
}

/* Committed by itself. */
static enum sn_err write_alone(struct embedded *e, struct oplog_request *q)
{
	enum sn_err err = writer_apply(e->writer, q);

	return (err == SN_OK ? writer_commit(e->writer) : err);
}

/* A damaged record fails those that need it and nobody else: each by itself,
 * where they failed together. */
static void write_each(struct embedded *e, struct oplog_request *first)
{
	struct oplog_request *q, *next;

	for (q = first; q != NULL; q = next) {
		enum sn_err err;

		next = q->next;
		q->next = NULL;
		err = write_alone(e, q);
		q->next = next;
		if (err == SN_OK)
			continue;
		q->err = err;
		tell(e, err, q->kind);
	}
}

static bool is_damage(enum sn_err err)
{
	return (err == SN_ECORRUPT || err == SN_ENEWER);
}

static void write_batch(struct embedded *e, struct oplog_request *first)
{
	bool known = writer_stuck(e->writer);
	enum sn_err err = writer_apply(e->writer, first);

	if (err == SN_OK && (err = writer_journal(e->writer, first)) == SN_OK) {
		answer(e, hold_some(e, first), SN_OK);
		return;
	}
	if (err == SN_EFULL)
		err = writer_commit(e->writer);
	first = take_held(e, first);
	/* What was told before may need it itself: then none can be written. */
	if (is_damage(err) && (err = writer_apply(e->writer, NULL)) == SN_OK)
		write_each(e, first);
	if (err != SN_OK) {
		tell(e, err, first->kind);
		/* What was told before need not suffer for these. */
		if (!known)
			(void)!writer_apply(e->writer, NULL);
	}
	answer(e, first, err);
}

/* The open transaction; who waits for that is answered. */
static void commit(struct embedded *e)
{
	bool known = writer_stuck(e->writer);
	enum sn_err err = writer_apply(e->writer, NULL);

	if (err == SN_OK)
		err = writer_commit(e->writer);
	if (err != SN_OK && !known)
		tell(e, err, OP_MESSAGE);
	answer(e, take_held(e, NULL), err);
}

/* After a batch has been answered, so that it need not wait for this. */
static bool commit_is_due(struct embedded *e)
{
	if (!writer_open(e->writer)) {
		e->open_since = 0;
		return (false);
	}
	if (e->open_since == 0)
		e->open_since = sn_clock_mono();
	if (writer_stuck(e->writer))
		return (false);
	return (writer_full(e->writer) ||
		sn_clock_mono() - e->open_since >= OPEN_NS);
}

static void *run(void *arg)
{
	struct embedded *e = arg;
	struct oplog_request *first;
	bool over = false;

	while (!over) {
		if ((first = collect(e, &over)) != NULL)
			write_batch(e, first);
		else
			commit(e);
		if (commit_is_due(e)) {
			commit(e);
			/* Failed, it is tried again in a while. */
			(void)commit_is_due(e);
		}
	}
	return (NULL);
}

static void await(struct oplog *log, uint64_t seq, unsigned ms)
{
	struct embedded *e = (struct embedded *)log;
	struct timespec until = at(sn_clock_mono() + ms * SN_NS_PER_MS);

	pthread_mutex_lock(&e->lock);
	while (!oplog_readable(log, seq) &&
	       pthread_cond_timedwait(&e->settled, &e->lock, &until) == 0)
		continue;
	pthread_mutex_unlock(&e->lock);
}

static void release(struct embedded *e)
{
	writer_free(e->writer);
	pthread_cond_destroy(&e->settled);
	pthread_cond_destroy(&e->wake);
	pthread_mutex_destroy(&e->lock);
	free(e);
}

static void stop(struct oplog *log)
{
	struct embedded *e = (struct embedded *)log;

	pthread_mutex_lock(&e->lock);
	e->stopping = true;
	pthread_cond_signal(&e->wake);
	pthread_mutex_unlock(&e->lock);
	(void)pthread_join(e->thread, NULL);
	release(e);
}

static const struct oplog_backend backend = { submit, wake, await, stop };

static bool init_locks(struct embedded *e)
{
	pthread_condattr_t attr;
	bool ok;

	if (pthread_condattr_init(&attr) != 0)
		return (false);
	ok = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
	     pthread_mutex_init(&e->lock, NULL) == 0 &&
	     pthread_cond_init(&e->wake, &attr) == 0 &&
	     pthread_cond_init(&e->settled, &attr) == 0;
	pthread_condattr_destroy(&attr);
	return (ok);
}

enum sn_err oplog_embedded_start(struct sn_store *store,
    const struct oplog_embedded_options *options, oplog_sink *sink, void *arg,
    struct oplog **out, struct sn_why *why)
{
	struct embedded *e;
	enum sn_err err;

	if ((e = calloc(1, sizeof(*e))) == NULL || !init_locks(e)) {
		free(e);
		return (sn_why(why, SN_ENOMEM, "no memory for the log"));
	}
	e->oplog.backend = &backend;
	e->store = store;
	e->options = *options;
	e->sink = sink;
	e->arg = arg;
	e->tail = &e->first;
	e->held_tail = &e->held;
	e->failures.burst = 10;
	e->failures.period_ns = UINT64_C(60000000000);
	err = writer_new(store, options->dir, &e->writer, why);
	if (err == SN_OK) {
		publish(e);
		(void)commit_is_due(e);
		if (pthread_create(&e->thread, NULL, run, e) != 0)
			err = sn_why(
			    why, SN_ENOMEM, "cannot start the log's thread");
	}
	if (err != SN_OK) {
		release(e);
		return (err);
	}
	*out = &e->oplog;
	return (SN_OK);
}
