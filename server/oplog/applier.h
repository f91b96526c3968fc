#ifndef SERVER_OPLOG_APPLIER_H
#define SERVER_OPLOG_APPLIER_H

#include "server/oplog/apply.h"
#include "server/oplog/tally.h"

/*
 * One transaction of operations, applied in the order of the log.  The last
 * applied sequence is stored in the same transaction, so that a log that
 * says something twice, after a restart or at any time, does no harm.  Every
 * log applies through this.
 */
struct applier {
	struct sn_txn *txn;
	struct tally tally;
	uint64_t last; /* The last sequence applied. */
	uint64_t before;
};

/** applier_begin(store, out): SN_ESTORE, SN_ESTOREFULL, SN_ENOMEM. */
enum sn_err applier_begin(
    struct sn_store *store, struct applier *out) SN_MUST_USE;

/**
 * applier_apply(a, op, seq, out):
 * As apply.  A ${seq} that was applied before is passed over: SN_EEXISTS.
 * A class other than SN_C_REQUEST leaves nothing but applier_abort.
 */
enum sn_err applier_apply(struct applier *a, struct sn_bytes op, uint64_t seq,
    struct applied *out) SN_MUST_USE;

/** applier_seen(a, seq): ${seq} has been used, though nothing came of it:
 * for logs that number what is refused as well. */
void applier_seen(struct applier *a, uint64_t seq);

/** applier_commit(a): durable on SN_OK; ended either way. */
enum sn_err applier_commit(struct applier *a) SN_MUST_USE;
void applier_abort(struct applier *a);

#endif
