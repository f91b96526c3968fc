#ifndef SERVER_NET_RECEIPTS_H
#define SERVER_NET_RECEIPTS_H

#include "server/net/loop.h"

/*
 * Receipts: *delivered* follows from a recipient's cursor passing a message,
 * *read* from a mark that the recipient sets.  Nothing is kept for a message.
 *
 * When a session has acknowledged more, the messages it passed are looked up
 * backwards in each of its small rooms, until each of the others was met once
 * as a sender; those are told their last one.  A session that acknowledges
 * again within a second waits for the loop's next second.  None of it happens
 * while nobody is connected who asked for receipts.
 */

/** receipts_synced(s): delivery begins behind s's cursor. */
void receipts_synced(struct sess *s, uint64_t cursor);

/** receipts_acked(s, seq): s has acknowledged up to ${seq}. */
void receipts_acked(struct sess *s, uint64_t seq);

/** receipts_stop(s): it is going; what it acknowledged is told now. */
void receipts_stop(struct sess *s);

/** receipts_turn(loop): at the end of a turn: what is due at once. */
void receipts_turn(struct loop *loop);

/** receipts_tick(loop): once a second: what has waited. */
void receipts_tick(struct loop *loop);

/** receipts_free(loop): what still waits. */
void receipts_free(struct loop *loop);

#endif
