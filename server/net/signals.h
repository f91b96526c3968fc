#ifndef SERVER_NET_SIGNALS_H
#define SERVER_NET_SIGNALS_H

#include "server/net/sess.h"

/*
 * Signals: that somebody is typing, and what else matters only at the moment.
 * They skip the store.  A signal goes to those who are there, in this
 * instant, in the same conversation or small room, and is dropped wherever it
 * would have to wait.
 */

#define SIGNALS_TARGETS 256

/* What a name meant to an account when it signalled last: a loop remembers
 * it until accounts, rooms or memberships change. */
struct signals_target {
	uint64_t from;          /* 0: empty. */
	uint64_t changes;       /* Of net, before it was looked up. */
	uint64_t account, room; /* Whose sessions hear it; one is 0. */
	uint64_t members;
	uint8_t len;
	char to[SN_NAME_ROOM_MAX];
};

#endif
