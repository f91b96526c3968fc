#ifndef SERVER_NET_SIGNALS_H
#define SERVER_NET_SIGNALS_H

#include "server/net/known.h"
#include "server/net/sess.h"

/*
 * Signals: that somebody is typing, and what else matters only at the moment.
 * They skip the store.  A signal goes to those who are there, in this
 * instant, in the same conversation or small room, and is dropped wherever it
 * would have to wait.
 */

/*
 * What names meant to accounts when they signalled last: a loop remembers it
 * until accounts, rooms or memberships change.
 */
struct signals_known {
	struct known targets;
	uint64_t changes; /* Of net, before the first was looked up. */
};

#endif
