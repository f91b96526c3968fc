#ifndef SERVER_NET_ROOM_EVENTS_H
#define SERVER_NET_ROOM_EVENTS_H

#include "server/net/loop.h"

/**
 * room_events(loop, request):
 * A change to a room has become durable: keep the loop's table of followers
 * true to it, and tell the sessions of its members here that asked for
 * ROOM_CHANGED.  They may miss one when their queue is full.
 */
void room_events(struct loop *loop, const struct oplog_request *request);

#endif
