#ifndef SERVER_OPLOG_LIMIT_H
#define SERVER_OPLOG_LIMIT_H

#include "server/oplog/usage.h"

/*
 * What one may use.  For an account ${bytes} is a quota: above it, it
 * cannot send.  For a room both are retention: what is older, or above, is
 * removed, the oldest first.  0: no such limit.
 */
struct limit {
	uint64_t bytes;
	uint64_t age; /* ms */
};

/**
 * limit_get(txn, of, id, out):
 * The limit of this account or room, or else the one of the id 0, which
 * stands for all of its kind that have none of their own; zeros when there
 * is none.
 */
enum sn_err limit_get(struct sn_txn *txn, enum usage_of of, uint64_t id,
    struct limit *out) SN_MUST_USE;

/** limit_own(txn, of, id, out): its own alone; SN_ENOTFOUND. */
enum sn_err limit_own(struct sn_txn *txn, enum usage_of of, uint64_t id,
    struct limit *out) SN_MUST_USE;

/** limit_put(txn, of, id, limit): NULL takes the row away. */
enum sn_err limit_put(struct sn_txn *txn, enum usage_of of, uint64_t id,
    const struct limit *limit) SN_MUST_USE;

#endif
