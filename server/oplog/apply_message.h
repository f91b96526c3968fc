#ifndef SERVER_OPLOG_APPLY_MESSAGE_H
#define SERVER_OPLOG_APPLY_MESSAGE_H

#include "server/oplog/apply.h"

/**
 * apply_message(txn, op, seq, out):
 * Index the message in its room, which is made when it is the first between
 * two accounts.  The same id of the same sender again is a duplicate.
 */
enum sn_err apply_message(struct sn_txn *txn, const struct op *op, uint64_t seq,
    struct applied *out) SN_MUST_USE;

#endif
