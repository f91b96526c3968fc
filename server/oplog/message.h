#ifndef SERVER_OPLOG_MESSAGE_H
#define SERVER_OPLOG_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/store.h"

/* A stored message, in the map. */
struct message {
	struct sn_bytes tail; /* See sn_frame_put_tail. */
	uint64_t sender;      /* Account id. */
	uint64_t expires;     /* ms since 1970; 0: it does not. */
};

/**
 * message_get(txn, seq, out):
 * The message at ${seq}.  SN_ENOTFOUND when there is none, or none any
 * more; SN_ECORRUPT.
 */
enum sn_err message_get(
    struct sn_txn *txn, uint64_t seq, struct message *out) SN_MUST_USE;

/** message_expired(m, now): its ttl is over; ${now} 0: nobody knows. */
bool message_expired(const struct message *m, uint64_t now);

/**
 * message_before(txn, time, out):
 * The last sequence of the log whose time is before ${time} (ms since
 * 1970), by halving; 0 when all are later.
 */
enum sn_err message_before(
    struct sn_txn *txn, uint64_t time, uint64_t *out) SN_MUST_USE;

#endif
