#include "server/oplog/oplog.h"

#include <stdlib.h>
#include <string.h>

#include "lib/frame.h"

enum sn_err oplog_request_new(const struct op *op, struct oplog_request **out)
{
	struct oplog_request *q;
	size_t cap = OP_OVERHEAD;
	struct sn_wr w;

	if (op->kind == OP_MESSAGE)
		cap = OP_MESSAGE_OVERHEAD + op->message.tail.n;
	/* A frame that is made of it in place may be longer. */
	if ((q = malloc(sizeof(*q) + cap + SN_FRAME_BEHIND)) == NULL)
		return (SN_ENOMEM);
	memset(q, 0, sizeof(*q));
	w = sn_wr_over(q->data, cap);
	op_encode(op, &w);
	if (w.bad) {
		free(q);
		return (SN_ETOOBIG);
	}
	q->len = w.n;
	if (op->kind == OP_MESSAGE) {
		q->tail = w.p + op_tail_at(op, w.n);
		q->tail_len = op->message.tail.n;
		q->expires = op->message.expires;
	}
	*out = q;
	return (SN_OK);
}

enum sn_err oplog_local_new(enum db_table table, struct sn_bytes key,
    struct sn_bytes value, struct oplog_request **out)
{
	struct oplog_request *q;

	if ((q = malloc(sizeof(*q) + key.n + value.n)) == NULL)
		return (SN_ENOMEM);
	memset(q, 0, sizeof(*q));
	q->local = true;
	q->table = table;
	q->key_len = key.n;
	q->len = key.n + value.n;
	memcpy(q->data, key.p, key.n);
	memcpy(q->data + key.n, value.p, value.n);
	*out = q;
	return (SN_OK);
}

enum sn_err oplog_settle_new(enum oplog_settle when, struct oplog_request **out)
{
	struct oplog_request *q;

	if ((q = malloc(sizeof(*q))) == NULL)
		return (SN_ENOMEM);
	memset(q, 0, sizeof(*q));
	q->loop = OPLOG_NO_LOOP;
	q->settle = when;
	*out = q;
	return (SN_OK);
}

void oplog_request_free(struct oplog_request *request)
{
	free(request);
}

enum sn_err oplog_submit_more(struct oplog *log, struct oplog_request *request)
{
	return (log->backend->submit(log, request));
}

void oplog_wake(struct oplog *log)
{
	log->backend->wake(log);
}

enum sn_err oplog_submit(struct oplog *log, struct oplog_request *request)
{
	enum sn_err err = oplog_submit_more(log, request);

	if (err == SN_OK)
		oplog_wake(log);
	return (err);
}

enum sn_err oplog_ride(struct oplog *log, struct oplog_request *request)
{
	return (log->backend->submit(log, request));
}

void oplog_ride_row(struct oplog *log, enum db_table table, struct sn_bytes key,
    struct sn_bytes value)
{
	struct oplog_request *q;

	if (oplog_local_new(table, key, value, &q) != SN_OK)
		return;
	if (oplog_ride(log, q) != SN_OK)
		oplog_request_free(q);
}

uint64_t oplog_head(struct oplog *log)
{
	return (atomic_load(&log->head));
}

bool oplog_settled(struct oplog *log, uint64_t seq)
{
	return (atomic_load(&log->settled) >= seq);
}

bool oplog_stuck(struct oplog *log)
{
	return (atomic_load(&log->stuck));
}

bool oplog_readable(struct oplog *log, uint64_t seq)
{
	return (oplog_settled(log, seq) || oplog_stuck(log));
}

void oplog_settle(struct oplog *log, unsigned ms)
{
	uint64_t head = oplog_head(log);
	struct oplog_request *q;

	if (oplog_readable(log, head) ||
	    oplog_settle_new(OPLOG_SETTLE_NOW, &q) != SN_OK)
		return;
	if (oplog_submit(log, q) != SN_OK)
		oplog_request_free(q);
	else
		log->backend->await(log, head, ms);
}

/* Lives on the stack of the one who waits. */
struct oplog_waiter {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool answered;
	enum sn_err err;
	struct applied applied;
};

/* The waiter may be gone once it holds the lock again. */
static void answer(struct oplog_waiter *w, const struct oplog_request *q)
{
	pthread_mutex_lock(&w->lock);
	w->answered = true;
	w->err = q->err;
	w->applied = q->applied;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

void oplog_answer_waiters(const struct oplog_batch *batch)
{
	for (const struct oplog_request *q = batch->first; q != NULL;
	     q = q->next) {
		if (q->waiter != NULL)
			answer(q->waiter, q);
	}
}

enum sn_err oplog_submit_wait(
    struct oplog *log, const struct op *op, struct applied *out)
{
	struct oplog_waiter w = { .answered = false };
	struct oplog_request *q;
	enum sn_err err;

	if ((err = oplog_request_new(op, &q)) != SN_OK)
		return (err);
	pthread_mutex_init(&w.lock, NULL);
	pthread_cond_init(&w.wake, NULL);
	q->loop = OPLOG_NO_LOOP;
	q->kind = op->kind;
	q->waiter = &w;
	if ((err = oplog_submit(log, q)) != SN_OK) {
		oplog_request_free(q);
		goto out;
	}
	pthread_mutex_lock(&w.lock);
	while (!w.answered)
		pthread_cond_wait(&w.wake, &w.lock);
	pthread_mutex_unlock(&w.lock);
	err = w.err;
	*out = w.applied;
out:
	pthread_cond_destroy(&w.wake);
	pthread_mutex_destroy(&w.lock);
	return (err);
}

void oplog_stop(struct oplog *log)
{
	if (log != NULL)
		log->backend->stop(log);
}

void oplog_release(struct oplog_batch *batch)
{
	struct oplog_request *q, *next;

	if (atomic_fetch_sub(&batch->holders, 1) != 1)
		return;
	for (q = batch->first; q != NULL; q = next) {
		next = q->next;
		free(q);
	}
	free(batch);
}
