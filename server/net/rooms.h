#ifndef SERVER_NET_ROOMS_H
#define SERVER_NET_ROOMS_H

#include "server/oplog/oplog.h"
#include "server/net/sess.h"

/** rooms_answer(s, request): DONE or ERROR: what the log says. */
void rooms_answer(struct sess *s, const struct oplog_request *request);

#endif
