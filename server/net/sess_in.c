#include "server/net/sess_in.h"

#include "lib/clock.h"
#include "lib/tls.h"
#include "server/net/dispatch.h"
#include "server/net/loop.h"
#include "server/net/net_impl.h"
#include "server/net/sess.h"
#include "server/net/sess_work.h"
#include "server/net/settle.h"

#define TURN_BYTES 65536     /* Read and acted on in one turn. */
#define TURN_NS SN_NS_PER_MS /* Acted on, however small the frames are. */
#define LOOK_FRAMES 8        /* From one look at the clock to the next. */
#define FLIGHT_MAX 1024      /* Operations of one session in the log's queue. */
/* And what of the queue they may fill: the rest is for others. */
#define FLIGHT_SHARE 16
/* A disk that stalls keeps nobody longer from reading what there is. */
#define SEE_NS (5 * SN_NS_PER_S)
/* Frames of a connection until it is logged in: enough for any client, too
 * few to keep the keeper or the output queue busy with. */
#define EARLY_FRAMES 64

/* Its account is over its rate: it is not read until loop.c's next look. */
static void throttle(struct sess *s)
{
	s->in.paused = true;
	limits_reached(s->loop->net, LIMITS_FRAME_RATE);
	if (s->in.throttled)
		return;
	s->in.throttled = true;
	s->in.next = s->loop->throttled;
	s->loop->throttled = s;
}

/* Whether the session may act on a frame now; if not it is not read. */
static bool takes_frames(const struct sess *s)
{
	uint64_t share = s->loop->settings->limits.queue_bytes / FLIGHT_SHARE;

	if (s->state == SESS_READY)
		return (s->history == NULL && s->listing == NULL &&
			s->in_flight < FLIGHT_MAX && s->flight_bytes < share &&
			s->login == SESS_LOGIN_NONE && sess_room(s));
	return ((s->state == SESS_HELLO || s->state == SESS_AUTH ||
		    s->state == SESS_CHOOSE) &&
		s->login == SESS_LOGIN_NONE);
}

/* Whether what the frame asks for can be read: all that anybody was told of
 * before it came. */
static bool can_see(struct sess *s, const struct sn_frame *frame)
{
	if (s->state != SESS_READY || !dispatch_reads(frame))
		return (true);
	if (s->in.seen_at == 0) {
		s->in.seen = oplog_head(s->loop->net->log);
		s->in.seen_at = sn_clock_mono();
	}
	if (!settle_reached(s->loop, s->in.seen) &&
	    sn_clock_mono() - s->in.seen_at < SEE_NS) {
		settle_wait(s);
		return (false);
	}
	s->in.seen_at = 0;
	return (true);
}

/* Act on whole frames of ${p}; returns the bytes that are done with. */
static size_t eat(struct sess *s, const uint8_t *p, size_t n)
{
	uint64_t until = sn_clock_mono() + TURN_NS;
	struct sn_frame frame;
	size_t used = 0;
	enum sn_err err;

	for (unsigned i = 1; takes_frames(s); i++) {
		if (i % LOOK_FRAMES == 0 && sn_clock_mono() >= until) {
			s->in.paused = true;
			sess_again(s);
			return (used);
		}
		err = sn_frame_open(p + used, n - used,
		    s->state == SESS_READY ? SN_FRAME_MAX : SN_FRAME_MAX_EARLY,
		    &frame);
		if (err == SN_EAGAIN)
			return (used);
		if (err == SN_ETOOBIG)
			sess_bye(s, "too-big",
			    s->state == SESS_READY
				? "a frame has at most " SN_FRAME_DIGITS(
				      SN_FRAME_MAX) " bytes"
				: "before a login a frame has at most " SN_FRAME_DIGITS(
				      SN_FRAME_MAX_EARLY) " bytes");
		else if (err != SN_OK)
			sess_bye(s, "bad-frame", "that is not a frame");
		else if (s->state != SESS_READY && s->in.frames >= EARLY_FRAMES)
			sess_bye(s, "limit", "too many frames before a login");
		if (err != SN_OK || s->state == SESS_DRAINING ||
		    s->state == SESS_CLOSED)
			return (n);
		if (!can_see(s, &frame)) {
			s->in.paused = true;
			return (used);
		}
		if (!allowance_frame(s)) {
			throttle(s);
			return (used);
		}
		used += frame.size;
		s->in.frames++;
		dispatch_frame(s, &frame);
	}
	if (s->state == SESS_DRAINING || s->state == SESS_CLOSED)
		return (n); /* Read, so that the peer gets our reason. */
	s->in.paused = true;
	return (used);
}

void sess_in_eat(struct sess *s)
{
	size_t used;

	if (s->in.kept.len == 0)
		return;
	used = eat(s, sn_buf_head(&s->in.kept), s->in.kept.len);
	sn_buf_consume(&s->in.kept, used);
}

/* New bytes: straight from the loop's buffer while none are kept. */
static void eat_fresh(struct sess *s, const uint8_t *p, size_t n)
{
	size_t used = 0;

	if (s->in.kept.len == 0)
		used = eat(s, p, n);
	if (used == n || s->state == SESS_CLOSED)
		return;
	if (sn_buf_append(&s->in.kept, p + used, n - used) != SN_OK) {
		sess_drop(s);
		return;
	}
	if (used == 0)
		sess_in_eat(s);
}

void sess_in_read(struct sess *s)
{
	struct loop *loop = s->loop;
	size_t turn = 0, got;
	enum sn_tls_result status = SN_TLS_OK;

	while (s->state != SESS_CLOSED && !s->in.paused && turn < TURN_BYTES) {
		got = 0;
		status = sn_tls_read(
		    s->tls, loop->scratch, sizeof(loop->scratch), &got);
		if (status != SN_TLS_OK)
			break;
		turn += got;
		s->heard = sn_clock_mono();
		if (s->state != SESS_DRAINING)
			eat_fresh(s, loop->scratch, got);
		if (s->state != SESS_CLOSED && !sn_tls_more(s->tls)) {
			status = SN_TLS_WANT_READ;
			break;
		}
	}
	if (s->state == SESS_CLOSED)
		return;
	if (status == SN_TLS_OK) {
		if (!s->in.paused)
			sess_again(s);
	} else if (status == SN_TLS_WANT_WRITE) {
		s->out.blocked = true;
	} else if (status == SN_TLS_FAILED && !s->failed) {
		sess_linger(s);
	} else if (status != SN_TLS_WANT_READ) {
		/* An end is answered with an end. */
		if (status == SN_TLS_CLOSED)
			sess_out_end(s);
		sess_drop(s);
	}
}
