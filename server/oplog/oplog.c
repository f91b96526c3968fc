#include "server/oplog/oplog.h"

#include <stdlib.h>
#include <string.h>

enum sn_err oplog_request_new(const struct op *op, struct oplog_request **out)
{
	struct oplog_request *q;
	size_t cap = OP_OVERHEAD;
	struct sn_wr w;

	if (op->kind == OP_MESSAGE)
		cap += op->message.tail.n;
	if ((q = malloc(sizeof(*q) + cap)) == NULL)
		return (SN_ENOMEM);
	memset(q, 0, sizeof(*q));
	w = sn_wr_over(q->data, cap);
	op_encode(op, &w);
	if (w.bad) {
		free(q);
		return (SN_ETOOBIG);
	}
	q->len = w.n;
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

void oplog_request_free(struct oplog_request *request)
{
	free(request);
}

enum sn_err oplog_submit(struct oplog *log, struct oplog_request *request)
{
	return (log->backend->submit(log, request));
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
