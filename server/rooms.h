#ifndef SERVER_ROOMS_H
#define SERVER_ROOMS_H

#include "server/oplog.h"
#include "server/sess.h"

/** rooms_answer(s, request): DONE or ERROR: what the log says. */
void rooms_answer(struct sess *s, const struct oplog_request *request);

#endif
