#ifndef SERVER_OPLOG_OPLOG_EMBEDDED_H
#define SERVER_OPLOG_OPLOG_EMBEDDED_H

#include "server/oplog/oplog.h"

struct oplog_embedded_options {
	unsigned batch_max; /* Requests of one transaction. */
	uint64_t queue_max; /* Bytes that may wait for it. */
};

/**
 * oplog_embedded_start(store, options, sink, arg, out):
 * The log kept by LMDB.  A thread of its own owns the write transaction:
 * it takes what has queued up while the last commit was in flight, applies
 * it in one transaction, commits (fsync) once, and hands the batch to
 * ${sink}.  When the commit fails every request of the batch gets its
 * error, and nothing of the batch was stored.
 */
enum sn_err oplog_embedded_start(struct sn_store *store,
    const struct oplog_embedded_options *options, oplog_sink *sink, void *arg,
    struct oplog **out) SN_MUST_USE;

#endif
