#ifndef SERVER_NET_SEND_H
#define SERVER_NET_SEND_H

#include "server/oplog/oplog.h"
#include "server/net/sess.h"

/** send_answer(s, request): STORED or ERROR: what the log says of a SEND. */
void send_answer(struct sess *s, const struct oplog_request *request);

#endif
