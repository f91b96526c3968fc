#ifndef SERVER_OPLOG_APPLY_MESSAGE_H
#define SERVER_OPLOG_APPLY_MESSAGE_H

#include "server/oplog/apply.h"

/**
 * apply_message(txn, tally, op, bytes, seq, out):
 * Index the message in its room, which is made when it is the first between
 * two accounts, and count its ${bytes} for its sender and the room.  The
 * same id of the same sender again is a duplicate.  SN_ELIMIT when the
 * sender's quota would be passed.
 */
enum sn_err apply_message(struct sn_txn *txn, struct tally *tally,
    const struct op *op, size_t bytes, uint64_t seq,
    struct applied *out) SN_MUST_USE;

#endif
