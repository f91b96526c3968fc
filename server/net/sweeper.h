#ifndef SERVER_NET_SWEEPER_H
#define SERVER_NET_SWEEPER_H

#include <jansson.h>

#include "server/net/net_impl.h"

/*
 * The thread that removes what may go: messages past their ttl or the
 * retention, ids past the dedupe horizon.  It decides from snapshots and
 * submits operations of at most OP_FORGET_MAX messages, one at a time, and
 * rests as long as each took, so that the log's writer is never held up.
 * On its way it looks at the clock and at how full the database is.
 */

/** sweeper_start(net, out): with the policy of ${net->settings}. */
enum sn_err sweeper_start(struct net *net, struct sweeper **out) SN_MUST_USE;

/** sweeper_stop(s): before the log stops; NULL is fine. */
void sweeper_stop(struct sweeper *s);

/** sweeper_policy(s, settings): these are in force from now on. */
void sweeper_policy(struct sweeper *s, const struct settings *settings);

/** sweeper_accept_clock(s): wall time is right, says an administrator;
 * false when nothing was held up. */
bool sweeper_accept_clock(struct sweeper *s);

/** sweeper_now(s): wall time in ms for judging a ttl; 0 while the clock is
 * not believed.  Any thread. */
uint64_t sweeper_now(const struct sweeper *s);

/** sweeper_status(s, out): its figures as members of ${out}. */
void sweeper_status(struct sweeper *s, json_t *out);

#endif
