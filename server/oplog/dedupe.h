#ifndef SERVER_OPLOG_DEDUPE_H
#define SERVER_OPLOG_DEDUPE_H

#include <stdint.h>

#include "lib/frame.h"

/* The key of DEDUPE.  Ids are ordered by time, so that inserts stay local;
 * the sender is a part, so that nobody can occupy another's ids. */
struct dedupe_key {
	uint8_t bytes[SN_FRAME_ID + 8];
};

struct dedupe_key dedupe_key(const uint8_t id[SN_FRAME_ID], uint64_t sender);

#endif
