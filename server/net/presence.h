#ifndef SERVER_NET_PRESENCE_H
#define SERVER_NET_PRESENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"

/*
 * Who is there: for each account with a session, how many it has, and how
 * many of them are not away.  Any thread may enter and leave; whom a change
 * concerns is looked up by the main thread, once a second, so that coming and
 * going within one is not told.
 */
struct net;
struct presence;
struct sess;

#define PRESENCE_FRAME 128 /* Bytes of a PRESENCE at the most. */

enum presence_state { PRESENCE_OFFLINE, PRESENCE_AWAY, PRESENCE_ONLINE };

enum sn_err presence_new(struct presence **out) SN_MUST_USE;
void presence_free(struct presence *p);

/** presence_of(p, account): as its sessions are now, to be told to somebody:
 * when it changes from that they hear it. */
enum presence_state presence_of(struct presence *p, uint64_t account);

/** presence_word(state): "online", "away", "offline". */
const char *presence_word(enum presence_state state);

/** presence_enter(s): s is ready, and not away.  presence_leave(s): it ends;
 * nothing when it never entered. */
void presence_enter(struct sess *s);
void presence_leave(struct sess *s);

/** presence_take(p, account, state): the next change that somebody has to
 * hear of, once; false when there is none. */
bool presence_take(
    struct presence *p, uint64_t *account, enum presence_state *state);

/** presence_announce(net): main thread: tell what has changed. */
void presence_announce(struct net *net);

#endif
