#ifndef SERVER_NET_SESS_OUT_H
#define SERVER_NET_SESS_OUT_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/buf.h"
#include "lib/bytes.h"

struct sess;

/*
 * What a session sends.  Frames gather in a queue, and at the end of the
 * loop's turn go to TLS: one record for all that came together.
 */
struct sess_out {
	struct sn_buf queue;
	size_t tried;      /* Bytes of it that TLS holds a record of. */
	size_t frame_left; /* Bytes of the frame at its head. */
	bool dirty;        /* To be flushed in this turn. */
	bool blocked;      /* The socket takes no more for now. */
	struct sess *next; /* Of the loop's dirty ones. */
};

/**
 * sess_put(s, max): room for a frame of at most ${max} bytes behind the
 * output; sess_put_end queues what was written.  When there is none, or the
 * frame came out bad, the session is closed: limits make that our bug.
 */
struct sn_wr sess_put(struct sess *s, size_t max);
void sess_put_end(struct sess *s, const struct sn_wr *w);

/** sess_put_bytes(s, frame): queue a frame that is encoded already. */
void sess_put_bytes(struct sess *s, struct sn_bytes frame);

/** sess_room(s): whether more than small answers may be queued now. */
bool sess_room(const struct sess *s);

/** sess_flush(s): give the queued output to TLS; once a turn. */
void sess_flush(struct sess *s);

/** sess_out_wake(s): flush it at the end of this turn. */
void sess_out_wake(struct sess *s);

/** sess_out_drop(s): drop what is queued, but for the frames that TLS has
 * begun to send. */
void sess_out_drop(struct sess *s);

/** sess_out_end(s): once all is sent, say close_notify and shut our side;
 * nothing as long as something is queued. */
void sess_out_end(struct sess *s);

#endif
