#ifndef SERVER_OPLOG_DEDUPE_H
#define SERVER_OPLOG_DEDUPE_H

#include <stdint.h>

#include "lib/frame.h"
#include "lib/store.h"

/* The key of DEDUPE.  Ids are ordered by time, so that inserts stay local;
 * the sender is a part, so that nobody can occupy another's ids. */
struct dedupe_key {
	uint8_t bytes[SN_FRAME_ID + 8];
};

struct dedupe_key dedupe_key(const uint8_t id[SN_FRAME_ID], uint64_t sender);

/** dedupe_find(txn, id, sender, seq, time): the place of the message that
 * ${sender} has stored under this id; SN_ENOTFOUND when there was none, or it
 * is forgotten. */
enum sn_err dedupe_find(struct sn_txn *txn, const uint8_t id[SN_FRAME_ID],
    uint64_t sender, uint64_t *seq, uint64_t *time) SN_MUST_USE;

#endif
