#ifndef SERVER_NET_BACKLOG_H
#define SERVER_NET_BACKLOG_H

#include <stdint.h>

#include "lib/store.h"

/*
 * The stored messages of an account in the order of the log: its rooms'
 * indexes, merged by a heap.  Lives within one turn's snapshot.
 */
struct backlog;

/** backlog_open(txn, account, after, out): those above ${after}. */
enum sn_err backlog_open(struct sn_txn *txn, uint64_t account, uint64_t after,
    struct backlog **out) SN_MUST_USE;

/** backlog_next(b, seq): the next one.  SN_ENOTFOUND when there is none. */
enum sn_err backlog_next(struct backlog *b, uint64_t *seq) SN_MUST_USE;

void backlog_close(struct backlog *b);

#endif
