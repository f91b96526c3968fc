#ifndef SERVER_NET_TAKEOVER_H
#define SERVER_NET_TAKEOVER_H

#include "server/net/cursors.h"

struct net;

/*
 * The word to a session, on whatever loop, that its consumer has another
 * session now: BYE "takeover".  It is made before the consumer changes
 * hands, so that for want of memory nothing has changed.
 */
struct takeover;

enum sn_err takeover_new(struct takeover **out) SN_MUST_USE;
void takeover_free(struct takeover *t);

/** takeover_post(t, net, owner): end that session; takes ${t}. */
void takeover_post(
    struct takeover *t, struct net *net, struct cursors_owner owner);

#endif
