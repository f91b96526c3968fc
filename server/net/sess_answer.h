#ifndef SERVER_NET_SESS_ANSWER_H
#define SERVER_NET_SESS_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/frame.h"

struct oplog_request;
struct sess;

/** sess_answer_refused(s, q): ERROR, where ${q} was refused; whether it was. */
bool sess_answer_refused(struct sess *s, const struct oplog_request *q);

/** sess_answer_done(s, ref, seq): DONE: the request was carried out, by the
 * operation at ${seq} of the log; 0: by none. */
void sess_answer_done(struct sess *s, uint64_t ref, uint64_t seq);

/** sess_answer_end(s, end): END of a list. */
void sess_answer_end(struct sess *s, const struct sn_frame_end *end);

#endif
