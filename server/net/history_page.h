#ifndef SERVER_NET_HISTORY_PAGE_H
#define SERVER_NET_HISTORY_PAGE_H

#include <stdbool.h>

#include "lib/frame.h"
#include "lib/store.h"

#define HISTORY_PAGE_MAX 200

/* Which messages of a room: at most one of the four is set; none: the newest. */
struct history_range {
	struct sn_maybe before, after;           /* Sequences. */
	struct sn_maybe before_time, after_time; /* ms since 1970. */
	uint64_t from; /* Nothing below it, whatever the rest says. */
	size_t limit;  /* At most HISTORY_PAGE_MAX. */
};

/* Their sequences, ascending, and whether there are more in that direction. */
struct history_page {
	bool more;
	size_t count;
	uint64_t seqs[HISTORY_PAGE_MAX];
};

/**
 * history_page(txn, room, range, out):
 * One page of the room's index.  A time is found by halving the log; beyond
 * that the cost is of the page, whatever the room and the log hold.
 */
enum sn_err history_page(struct sn_txn *txn, uint64_t room,
    const struct history_range *range, struct history_page *out) SN_MUST_USE;

#endif
