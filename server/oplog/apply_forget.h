#ifndef SERVER_OPLOG_APPLY_FORGET_H
#define SERVER_OPLOG_APPLY_FORGET_H

#include "server/oplog/apply.h"

/**
 * apply_forget(txn, tally, op):
 * Remove the messages that the operation names.  What says that they were
 * sent stays until the dedupe horizon has passed it.  Places that hold no
 * message, or none any more, are passed over.
 */
enum sn_err apply_forget(
    struct sn_txn *txn, struct tally *tally, const struct op *op) SN_MUST_USE;

/**
 * apply_purge(txn, tally, op):
 * Move the dedupe horizon on to ${op->purge.to}, at most ${op->purge.rows}
 * rows of the log: ids before it are forgotten, and so are the rows of the
 * log that have been applied and hold no message.
 */
enum sn_err apply_purge(
    struct sn_txn *txn, struct tally *tally, const struct op *op) SN_MUST_USE;

/** apply_limit(txn, tally, op): set or take away the limit of one account or
 * room, or of all (id 0).  SN_ENOTFOUND when there is no such one. */
enum sn_err apply_limit(
    struct sn_txn *txn, struct tally *tally, const struct op *op) SN_MUST_USE;

#endif
