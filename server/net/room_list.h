#ifndef SERVER_NET_ROOM_LIST_H
#define SERVER_NET_ROOM_LIST_H

#include "server/net/sess.h"

/** room_list_feed(s): go on with the ROOM_LIST that is being answered. */
void room_list_feed(struct sess *s);

/** room_list_stop(s): forget it. */
void room_list_stop(struct sess *s);

#endif
