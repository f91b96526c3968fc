#ifndef SERVER_OPLOG_USAGE_H
#define SERVER_OPLOG_USAGE_H

#include <stdint.h>

#include "lib/store.h"

/* Whose: the server's as a whole (id 0), an account's, a room's. */
enum usage_of { USAGE_SERVER, USAGE_ACCOUNT, USAGE_ROOM };

/* The messages that are stored, and the bytes of their rows in the log. */
struct usage {
	uint64_t messages;
	uint64_t bytes;
};

/** usage_get(txn, of, id, out): zeros when there is nothing.  SN_ECORRUPT. */
enum sn_err usage_get(struct sn_txn *txn, enum usage_of of, uint64_t id,
    struct usage *out) SN_MUST_USE;

/** usage_put(txn, of, id, usage): zeros take the row away. */
enum sn_err usage_put(struct sn_txn *txn, enum usage_of of, uint64_t id,
    const struct usage *usage) SN_MUST_USE;

#endif
