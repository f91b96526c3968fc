#ifndef SERVER_NET_HISTORY_H
#define SERVER_NET_HISTORY_H

#include "server/net/sess.h"

/** history_feed(s): go on with the HISTORY that is being answered. */
void history_feed(struct sess *s);

/** history_stop(s): forget it. */
void history_stop(struct sess *s);

#endif
