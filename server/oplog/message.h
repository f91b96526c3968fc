#ifndef SERVER_OPLOG_MESSAGE_H
#define SERVER_OPLOG_MESSAGE_H

#include <stdint.h>

#include "lib/store.h"

/**
 * message_tail(txn, seq, out):
 * The stored part of the message at ${seq} (see sn_frame_put_tail), in the
 * map.  SN_ENOTFOUND when there is no message, SN_ECORRUPT.
 */
enum sn_err message_tail(
    struct sn_txn *txn, uint64_t seq, struct sn_bytes *out) SN_MUST_USE;

/**
 * message_before(txn, time, out):
 * The last sequence of the log whose time is before ${time} (ms since
 * 1970), by halving; 0 when all are later.
 */
enum sn_err message_before(
    struct sn_txn *txn, uint64_t time, uint64_t *out) SN_MUST_USE;

#endif
