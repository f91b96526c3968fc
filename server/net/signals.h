#ifndef SERVER_NET_SIGNALS_H
#define SERVER_NET_SIGNALS_H

#include "server/net/sess.h"

/*
 * Signals: that somebody is typing, and what else matters only at the moment.
 * They skip the store.  A signal goes to those who are there, in this
 * instant, in the same conversation or small room, and is dropped wherever it
 * would have to wait.
 */

/** signals_start(s): a session's first allowance. */
void signals_start(struct sess *s);

#endif
