#ifndef SERVER_NET_CURSORS_H
#define SERVER_NET_CURSORS_H

#include <stdint.h>

#include "server/oplog/device.h"
#include "server/oplog/oplog.h"

/*
 * The cursors of (device, consumer name): what has been acknowledged, and
 * which live session has each.  They live in memory, are written to the
 * database at most once a second, and are this node's own.  Any thread.
 */
struct cursors;
struct cursor; /* One that a live session holds. */

/* Who holds a cursor, to be told when it is taken over. */
struct cursors_owner {
	unsigned loop;
	uint64_t session;
};

enum sn_err cursors_new(struct cursors **out) SN_MUST_USE;
void cursors_free(struct cursors *c);

/**
 * cursors_claim(c, txn, fingerprint, consumer, start, limit, takeover,
 *     owner, out, former):
 * Take the cursor for ${owner}.  One that exists neither in memory nor in
 * the database begins at ${start}; SN_ELIMIT when the device has ${limit}
 * already.  SN_EINUSE when a live session has it and ${takeover} is false;
 * with it, *${former} is who had it (session 0: nobody).
 */
enum sn_err cursors_claim(struct cursors *c, struct sn_txn *txn,
    const uint8_t fingerprint[DEVICE_FINGERPRINT], struct sn_bytes consumer,
    uint64_t start, unsigned limit, bool takeover, struct cursors_owner owner,
    struct cursor **out, struct cursors_owner *former) SN_MUST_USE;

/** cursors_release(c, cursor, owner): unless another has taken it over. */
void cursors_release(
    struct cursors *c, struct cursor *cursor, struct cursors_owner owner);

/** cursors_seq(c, cursor): acknowledged up to here. */
uint64_t cursors_seq(struct cursors *c, const struct cursor *cursor);

/** cursors_ack(c, cursor, seq): it never goes back. */
void cursors_ack(struct cursors *c, struct cursor *cursor, uint64_t seq);

/**
 * cursors_each(c, txn, fingerprint, call, arg):
 * Where each cursor of the device stands, and where it began: what is
 * between the two has been acknowledged.
 */
enum sn_err cursors_each(struct cursors *c, struct sn_txn *txn,
    const uint8_t fingerprint[DEVICE_FINGERPRINT],
    void (*call)(void *arg, uint64_t seq, uint64_t start),
    void *arg) SN_MUST_USE;

/** cursors_store(c, log): let those that have moved since last time ride
 * with the log; the caller wakes it. */
void cursors_store(struct cursors *c, struct oplog *log);

/** cursors_stored(c, key, err): what became of a row that cursors_store
 * submitted.  One that was refused is submitted again. */
void cursors_stored(struct cursors *c, struct sn_bytes key, enum sn_err err);

#endif
