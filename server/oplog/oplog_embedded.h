#ifndef SERVER_OPLOG_OPLOG_EMBEDDED_H
#define SERVER_OPLOG_OPLOG_EMBEDDED_H

#include "server/oplog/oplog.h"

struct oplog_embedded_options {
	unsigned batch_max; /* Requests of one transaction. */
	uint64_t queue_max; /* Bytes that may wait for it. */
	const char *dir;    /* The store's, for a journal in it; NULL: none. */
};

/**
 * oplog_embedded_start(store, options, sink, arg, out, why):
 * The log kept by LMDB and a journal.  A thread of its own owns the write
 * transaction: it takes what has queued up while the last batch was on its way
 * to the disk, applies it, makes it durable by one entry of the journal, or
 * by a commit where more than messages has to be seen, and hands the batch to
 * ${sink}.  The tables are committed a moment after the last message, or a
 * tenth of a second after the first.  When a batch cannot be made durable
 * every request of it gets the error, and nothing of it was stored.
 * SN_ECORRUPT when the journal does not fit the database.
 */
enum sn_err oplog_embedded_start(struct sn_store *store,
    const struct oplog_embedded_options *options, oplog_sink *sink, void *arg,
    struct oplog **out, struct sn_why *why) SN_MUST_USE;

#endif
