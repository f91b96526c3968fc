#include "server/oplog/oplog_embedded.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "server/oplog/applier.h"
#include "server/oplog/db.h"

#define RESERVE_MAX (UINT64_C(256) << 20)
#define LOOK_NS (SN_NS_PER_S / 4)

struct embedded {
	struct oplog oplog;
	struct sn_store *store;
	struct oplog_embedded_options options;
	oplog_sink *sink;
	void *arg;
	pthread_t thread;
	struct sn_log_limit failures;
	uint64_t last_seq;
	uint64_t looked; /* When the free room was counted; monotonic. */
	uint64_t since;  /* Bytes applied since then. */
	bool tight;
	/* Guarded by ${lock}. */
	pthread_mutex_t lock;
	pthread_cond_t wake;
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

/* The next batch's requests; NULL when stopped and all is done. */
static struct oplog_request *collect(struct embedded *e)
{
	struct oplog_request *first, **end;

	pthread_mutex_lock(&e->lock);
	while ((e->first == NULL || !e->due) && !e->stopping)
		pthread_cond_wait(&e->wake, &e->lock);
	first = e->first;
	end = &e->first;
	for (unsigned n = 0; *end != NULL && n < e->options.batch_max; n++) {
		e->queued -= (*end)->len;
		end = &(*end)->next;
	}
	e->first = *end;
	*end = NULL;
	if (e->first == NULL)
		e->tail = &e->first;
	e->due = e->first != NULL;
	pthread_mutex_unlock(&e->lock);
	return (first);
}

/*
 * Whether no more than the reserve is left.  Removing needs room as well: it
 * is kept from messages, or a full map could never be emptied.
 */
static bool is_tight(struct embedded *e)
{
	struct sn_store_room room;
	uint64_t used, size, reserve, now;

	sn_store_used(e->store, &used, &size);
	reserve = size / 8 < RESERVE_MAX ? size / 8 : RESERVE_MAX;
	if (used + reserve < size)
		return (e->tight = false);
	now = sn_clock_mono();
	/* A look walks the list of free pages: not at every batch, but before
	 * what came since could have eaten the reserve. */
	if (e->looked != 0 && now - e->looked < LOOK_NS &&
	    (e->tight || e->since < reserve / 4))
		return (e->tight);
	e->looked = now;
	e->since = 0;
	if (sn_store_room(e->store, &room) == SN_OK)
		/* The latest that were given back cannot be used yet. */
		e->tight = room.used + room.free / 2 + reserve >= size;
	return (e->tight);
}

static enum sn_err apply_one(
    struct embedded *e, struct applier *a, struct oplog_request *q)
{
	enum sn_err err;

	if (q->local)
		return (sn_txn_put(a->txn, q->table,
		    (struct sn_bytes){ q->data, q->key_len },
		    (struct sn_bytes){
			q->data + q->key_len, q->len - q->key_len }));
	if (e->tight && q->kind == OP_MESSAGE) {
		q->err = SN_ESTOREFULL;
		return (SN_OK);
	}
	e->since += q->len;
	err = applier_apply(
	    a, (struct sn_bytes){ q->data, q->len }, a->last + 1, &q->applied);
	q->err = err;
	return (sn_err_class(err) == SN_C_REQUEST ? SN_OK : err);
}

static enum sn_err apply_all(
    struct embedded *e, struct oplog_request *first, uint64_t *seq)
{
	struct applier a;
	enum sn_err err;

	(void)is_tight(e);
	if ((err = applier_begin(e->store, &a)) != SN_OK)
		return (err);
	for (struct oplog_request *q = first; q != NULL; q = q->next) {
		if ((err = apply_one(e, &a, q)) != SN_OK) {
			applier_abort(&a);
			return (err);
		}
	}
	*seq = a.last;
	return (applier_commit(&a));
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

/* A damaged record fails those that need it and nobody else: each by itself,
 * where they failed together. */
static void apply_each(
    struct embedded *e, struct oplog_request *first, uint64_t *seq)
{
	struct oplog_request *q, *next;

	for (q = first; q != NULL; q = next) {
		uint64_t reached = *seq;
		enum sn_err err;

		next = q->next;
		q->next = NULL;
		err = apply_all(e, q, &reached);
		q->next = next;
		if (err == SN_OK) {
			*seq = reached;
			continue;
		}
		q->err = err;
		tell(e, err, q->kind);
	}
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

static void finish(struct embedded *e, struct oplog_batch *batch,
    enum sn_err err, uint64_t seq)
{
	if (err == SN_OK)
		e->last_seq = seq;
	else
		tell(e, err, batch->first->kind);
	batch->head = e->last_seq;
	for (struct oplog_request *q = batch->first; q != NULL; q = q->next) {
		if (err != SN_OK)
			q->err = err;
		else if (q->err == SN_OK && !q->applied.duplicate &&
			 q->applied.what == APPLIED_MESSAGE)
			frame_message(q);
	}
	e->sink(e->arg, batch);
}

static void *run(void *arg)
{
	struct embedded *e = arg;
	struct oplog_request *first;

	while ((first = collect(e)) != NULL) {
		struct oplog_batch *batch = calloc(1, sizeof(*batch));
		uint64_t seq = e->last_seq;
		enum sn_err err;

		/* Nobody could be answered: stop rather than lose answers. */
		if (batch == NULL)
			abort();
		batch->first = first;
		err = apply_all(e, first, &seq);
		if (err == SN_ECORRUPT || err == SN_ENEWER) {
			apply_each(e, first, &seq);
			err = SN_OK;
		}
		finish(e, batch, err, seq);
	}
	return (NULL);
}

static void stop(struct oplog *log)
{
	struct embedded *e = (struct embedded *)log;

	pthread_mutex_lock(&e->lock);
	e->stopping = true;
	pthread_cond_signal(&e->wake);
	pthread_mutex_unlock(&e->lock);
	(void)pthread_join(e->thread, NULL);
	pthread_cond_destroy(&e->wake);
	pthread_mutex_destroy(&e->lock);
	free(e);
}

static const struct oplog_backend backend = { submit, wake, stop };

static enum sn_err read_last_seq(struct sn_store *store, uint64_t *out)
{
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = sn_txn_read(store, &txn)) != SN_OK)
		return (err);
	err = db_meta(txn, DB_META_LAST_SEQ, out);
	sn_txn_abort(txn);
	return (err);
}

enum sn_err oplog_embedded_start(struct sn_store *store,
    const struct oplog_embedded_options *options, oplog_sink *sink, void *arg,
    struct oplog **out)
{
	struct embedded *e;
	enum sn_err err;

	if ((e = calloc(1, sizeof(*e))) == NULL)
		return (SN_ENOMEM);
	e->oplog.backend = &backend;
	e->store = store;
	e->options = *options;
	e->sink = sink;
	e->arg = arg;
	e->tail = &e->first;
	e->failures.burst = 10;
	e->failures.period_ns = UINT64_C(60000000000);
	if ((err = read_last_seq(store, &e->last_seq)) != SN_OK)
		goto err0;
	err = SN_ENOMEM;
	if (pthread_mutex_init(&e->lock, NULL) != 0)
		goto err0;
	if (pthread_cond_init(&e->wake, NULL) != 0)
		goto err1;
	if (pthread_create(&e->thread, NULL, run, e) != 0)
		goto err2;
	*out = &e->oplog;
	return (SN_OK);

err2:
	pthread_cond_destroy(&e->wake);
err1:
	pthread_mutex_destroy(&e->lock);
err0:
	free(e);
	return (err);
}
