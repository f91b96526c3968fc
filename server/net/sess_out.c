#include "server/net/sess_out.h"

#include <sys/socket.h>

#include "lib/log.h"
#include "lib/tls.h"
#include "server/net/loop.h"
#include "server/net/sess.h"
#include "server/net/sess_work.h"

#define RECORD_MAX 16384

void sess_out_wake(struct sess *s)
{
	if (s->out.dirty)
		return;
	s->out.dirty = true;
	s->out.next = s->loop->dirty;
	s->loop->dirty = s;
}

struct sn_wr sess_put(struct sess *s, size_t max)
{
	uint8_t *to;

	if (sn_buf_reserve(&s->out.queue, max, &to) != SN_OK)
		return ((struct sn_wr){ .bad = true });
	return (sn_wr_over(to, max));
}

void sess_put_end(struct sess *s, const struct sn_wr *w)
{
	if (s->state == SESS_CLOSED)
		return;
	if (w->bad) {
		sess_fault(s, "a frame did not fit the output queue");
		return;
	}
	sn_buf_commit(&s->out.queue, w->n);
	sess_out_wake(s);
}

void sess_put_bytes(struct sess *s, struct sn_bytes frame)
{
	struct sn_wr w = sess_put(s, frame.n);

	sn_wr_put(&w, frame.p, frame.n);
	sess_put_end(s, &w);
}

bool sess_room(const struct sess *s)
{
	return (s->out.queue.len < s->out.queue.max / 4);
}

/* The peer could not read on behind half a frame. */
void sess_out_drop(struct sess *s)
{
	size_t keep = s->out.frame_left;

	while (keep < s->out.tried) {
		struct sn_rd r = sn_rd_over(
		    sn_buf_head(&s->out.queue) + keep, s->out.queue.len - keep);

		keep += SN_FRAME_HEAD + sn_rd_u32(&r);
	}
	s->out.queue.len = keep;
}

/* Bytes of ${n} sent: where in a frame does the output begin now? */
static void count_sent(struct sess *s, size_t n)
{
	const uint8_t *p = sn_buf_head(&s->out.queue);
	size_t at = s->out.frame_left;

	while (at < n) {
		struct sn_rd r = sn_rd_over(p + at, s->out.queue.len - at);

		at += SN_FRAME_HEAD + sn_rd_u32(&r);
	}
	s->out.frame_left = at - n;
}

void sess_out_end(struct sess *s)
{
	if (s->out.blocked || s->out.queue.len > 0)
		return;
	if (sn_tls_shutdown(s->tls) != SN_TLS_OK)
		sn_log(SN_DEBUG, "session.unclosed", "sess=%llu",
		    (unsigned long long)s->id);
	(void)shutdown(s->watch.fd, SHUT_WR);
}

void sess_flush(struct sess *s)
{
	enum sn_tls_result status = SN_TLS_OK;

	s->out.dirty = false;
	if (s->state == SESS_CLOSED || s->state <= SESS_TLS || s->failed)
		return;
	while (s->out.queue.len > 0 && status == SN_TLS_OK) {
		size_t n = s->out.queue.len, put = 0;

		if (n > RECORD_MAX)
			n = RECORD_MAX;
		if (n < s->out.tried)
			n = s->out.tried; /* The same record again. */
		status =
		    sn_tls_write(s->tls, sn_buf_head(&s->out.queue), n, &put);
		s->out.tried = status == SN_TLS_OK ? 0 : n;
		if (status == SN_TLS_OK) {
			count_sent(s, put);
			sn_buf_consume(&s->out.queue, put);
		}
	}
	if (status != SN_TLS_OK && status != SN_TLS_WANT_WRITE) {
		sess_drop(s);
		return;
	}
	s->out.blocked = status == SN_TLS_WANT_WRITE;
	if (s->state == SESS_DRAINING)
		sess_out_end(s);
	sn_poll_want(s->loop->poll, &s->watch, !s->in.paused, s->out.blocked);
	/* What waited for room may go on. */
	if (s->state == SESS_READY && sess_room(s) &&
	    (s->in.paused || s->history != NULL || s->listing != NULL ||
		(s->follow.cursor != NULL && !s->follow.live)))
		sess_again(s);
}
