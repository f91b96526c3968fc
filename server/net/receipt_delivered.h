#ifndef SERVER_NET_RECEIPT_DELIVERED_H
#define SERVER_NET_RECEIPT_DELIVERED_H

#include "server/net/loop.h"

/*
 * *Delivered* follows from a recipient's cursor passing a message: nothing is
 * kept for it.
 *
 * When a session has acknowledged more, the messages it passed are looked up
 * backwards in each of its small rooms, until each of the others was met once
 * as a sender; those are told their last one.  A session that acknowledges
 * again within a second waits for the loop's next second.  None of it happens
 * while nobody is connected who asked for receipts.
 */

/** receipt_delivered_synced(s, cursor): delivery begins behind ${cursor}. */
void receipt_delivered_synced(struct sess *s, uint64_t cursor);

/** receipt_delivered_acked(s, seq): s has acknowledged up to ${seq}. */
void receipt_delivered_acked(struct sess *s, uint64_t seq);

/** receipt_delivered_stop(s): it is going; what it acknowledged is told. */
void receipt_delivered_stop(struct sess *s);

/** receipt_delivered_turn(loop): at the end of a turn: what is due at once. */
void receipt_delivered_turn(struct loop *loop);

/** receipt_delivered_tick(loop): once a second: what has waited. */
void receipt_delivered_tick(struct loop *loop);

/** receipt_delivered_free(loop): what is left is not told. */
void receipt_delivered_free(struct loop *loop);

#endif
