#ifndef SERVER_NET_LISTENER_H
#define SERVER_NET_LISTENER_H

#include <stdbool.h>

struct sn_poll_watch;

/**
 * listener_ready(watch, can_read, can_write):
 * What a loop's listening socket, its ${listener}, calls: accept those who
 * have come, as many as a turn allows, and make sessions of those that the
 * limits of connections admit.  Where descriptors have run out, it stops
 * listening until the loop's tick.
 */
void listener_ready(struct sn_poll_watch *watch, bool can_read, bool can_write);

#endif
