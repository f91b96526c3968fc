#ifndef SERVER_SEND_H
#define SERVER_SEND_H

#include "server/oplog.h"
#include "server/sess.h"

/** send_answer(s, request): STORED or ERROR: what the log says of a SEND. */
void send_answer(struct sess *s, const struct oplog_request *request);

#endif
