#ifndef SERVER_NET_FOLLOW_H
#define SERVER_NET_FOLLOW_H

#include "server/oplog/oplog.h"
#include "server/net/sess.h"

/*
 * Reading is following the log.  A session that is caught up (live) gets
 * each message from memory as its batch commits; one that is behind is fed
 * from the database, under its credit and a share of each turn.
 */

/** follow_live(s, request): a message of s has become durable. */
void follow_live(struct sess *s, const struct oplog_request *request);

/** follow_feed(s): deliver what is stored, as far as this turn goes. */
void follow_feed(struct sess *s);

/** follow_ready(s): s has logged in: what it wants to hear beside messages it
 * hears from now on, and others hear of it. */
void follow_ready(struct sess *s);

/** follow_stop(s): no more deliveries; gives the cursor back. */
void follow_stop(struct sess *s);

#endif
