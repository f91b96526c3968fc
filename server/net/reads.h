#ifndef SERVER_NET_READS_H
#define SERVER_NET_READS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/store.h"
#include "server/oplog/oplog.h"

/*
 * How far each account has read each conversation: one number for both.  Like
 * cursors they are this node's own, change in memory, and are written at most
 * once a second; only those that changed lately are in memory.  Any thread.
 */
struct reads;

/** Marks that may be in memory, which is those of some seconds. */
#define READS_MAX 65536

enum sn_err reads_new(struct reads **out) SN_MUST_USE;
void reads_free(struct reads *r);

/** reads_get(r, txn, room, account, out): 0 when nothing was read. */
enum sn_err reads_get(struct reads *r, struct sn_txn *txn, uint64_t room,
    uint64_t account, uint64_t *out) SN_MUST_USE;

/**
 * reads_mark(r, txn, room, account, seq, moved):
 * Read up to ${seq}; *${moved} is false when that was known.  SN_EFULL when
 * READS_MAX wait for the disk.
 */
enum sn_err reads_mark(struct reads *r, struct sn_txn *txn, uint64_t room,
    uint64_t account, uint64_t seq, bool *moved) SN_MUST_USE;

/** reads_store(r, log): let those that have moved since last time ride with
 * the log; the caller wakes it. */
void reads_store(struct reads *r, struct oplog *log);

/** reads_stored(r, key, err): what became of a row that reads_store
 * submitted.  One that was refused stays here and is submitted again. */
void reads_stored(struct reads *r, struct sn_bytes key, enum sn_err err);

#endif
