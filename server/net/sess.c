#include "server/net/sess.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/tls.h"
#include "server/net/addresses.h"
#include "server/net/audit.h"
#include "server/net/dispatch.h"
#include "server/net/loop.h"
#include "server/net/net_impl.h"
#include "server/net/follow.h"
#include "server/net/history.h"
#include "server/net/listing.h"
#include "server/net/login.h"

#define TURN_BYTES 65536     /* Read and acted on in one turn. */
#define TURN_NS SN_NS_PER_MS /* Acted on, however small the frames are. */
#define RECORD_MAX 16384
#define DRAIN_NS (200 * SN_NS_PER_MS)
#define PING_AFTER_NS (60 * SN_NS_PER_S)
#define FLIGHT_MAX 1024 /* Operations of one session in the log's queue. */
/* And what of the queue they may fill: the rest is for others. */
#define FLIGHT_SHARE 16
/* Frames of a connection until it is logged in: enough for any client, too
 * few to keep the keeper or the output queue busy with. */
#define EARLY_FRAMES 64

#define TO(state) (1U << SESS_##state)
static const unsigned legal[SESS_STATES] = {
	[SESS_WAITING] = TO(TLS) | TO(CLOSED),
	[SESS_TLS] = TO(HELLO) | TO(DRAINING) | TO(CLOSED),
	[SESS_HELLO] = TO(AUTH) | TO(DRAINING) | TO(CLOSED),
	[SESS_AUTH] = TO(CHOOSE) | TO(READY) | TO(DRAINING) | TO(CLOSED),
	[SESS_CHOOSE] = TO(READY) | TO(DRAINING) | TO(CLOSED),
	[SESS_READY] = TO(DRAINING) | TO(CLOSED),
	[SESS_DRAINING] = TO(CLOSED),
};

static void close_now(struct sess *s)
{
	struct loop *loop = s->loop;

	if (s->state == SESS_CLOSED)
		return;
	if (s->state == SESS_DRAINING)
		loop->draining--;
	if (s->state != SESS_READY)
		addresses_leave(loop->net->addresses, s->host);
	addresses_gone(loop->net->addresses);
	door_leave(s);
	if (s->account != 0)
		sn_log(SN_INFO, "session.closed",
		    "sess=%llu account=\"%s\" address=\"%s\" in=%llu "
		    "out=%llu",
		    (unsigned long long)s->id, s->account_name, s->address,
		    (unsigned long long)s->messages_in,
		    (unsigned long long)s->messages_out);
	s->state = SESS_CLOSED;
	follow_stop(s);
	history_stop(s);
	listing_stop(s);
	sn_poll_remove(loop->poll, &s->watch);
	map_delete(&loop->sessions, s->id);
	if (s->prev != NULL)
		s->prev->next = s->next;
	else
		loop->all = s->next;
	if (s->next != NULL)
		s->next->prev = s->prev;
	loop->count--;
	/* Freed at the end of the turn: events of it may still point here. */
	s->next = loop->closed;
	loop->closed = s;
}

bool sess_enter(struct sess *s, enum sess_state to)
{
	if (!(legal[s->state] & (1U << to))) {
		sess_fault(s, "illegal state move");
		return (false);
	}
	if (to == SESS_CLOSED) {
		close_now(s);
		return (true);
	}
	if (to == SESS_READY)
		addresses_leave(s->loop->net->addresses, s->host);
	if (to == SESS_READY || to == SESS_DRAINING)
		door_leave(s);
	if (to == SESS_DRAINING) {
		if (s->state == SESS_READY)
			addresses_enter(s->loop->net->addresses, s->host);
		s->loop->draining++;
	}
	s->state = to;
	return (true);
}

void sess_drop(struct sess *s)
{
	close_now(s);
}

void sess_fault(struct sess *s, const char *what)
{
	sn_log(SN_ALARM, "session.fault", "sess=%llu what=\"%s\" state=%d",
	    (unsigned long long)s->id, what, (int)s->state);
	net_count_fault(s->loop->net);
#ifdef SN_TEST_BUILD
	abort();
#endif
	close_now(s);
}

static void mark_dirty(struct sess *s)
{
	if (s->dirty)
		return;
	s->dirty = true;
	s->next_dirty = s->loop->dirty;
	s->loop->dirty = s;
}

void sess_again(struct sess *s)
{
	if (s->again)
		return;
	s->again = true;
	s->next_again = s->loop->again;
	s->loop->again = s;
}

struct sn_wr sess_put(struct sess *s, size_t max)
{
	uint8_t *to;

	if (sn_buf_reserve(&s->out, max, &to) != SN_OK)
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
	sn_buf_commit(&s->out, w->n);
	mark_dirty(s);
}

void sess_put_bytes(struct sess *s, struct sn_bytes frame)
{
	struct sn_wr w = sess_put(s, frame.n);

	sn_wr_put(&w, frame.p, frame.n);
	sess_put_end(s, &w);
}

bool sess_room(const struct sess *s)
{
	return (s->out.len < s->out.max / 4);
}

void sess_error_retry(struct sess *s, const uint64_t *ref, const char *code,
    const char *text, uint64_t retry_ms)
{
	struct sn_frame_error f = {
		.code = sn_bytes_of(code),
		.text = sn_bytes_of(text),
		.retry_ms = { retry_ms != 0, retry_ms },
	};
	struct sn_wr w = sess_put(s, 512);

	if (ref != NULL)
		f.ref = (struct sn_maybe){ true, *ref };
	sn_frame_put_error(&w, &f);
	sess_put_end(s, &w);
}

void sess_error(
    struct sess *s, const uint64_t *ref, const char *code, const char *text)
{
	sess_error_retry(s, ref, code, text, 0);
}

void sess_error_of(struct sess *s, uint64_t ref, enum sn_err err)
{
	switch (err) {
	case SN_ENOTFOUND:
		sess_error(s, &ref, "unknown-target",
		    "there is no such account or room for you");
		break;
	case SN_EEXISTS:
		sess_error(s, &ref, "exists", "that exists already");
		break;
	case SN_EDENIED:
		sess_error(s, &ref, "denied", "you may not do that");
		break;
	case SN_ELIMIT:
		sess_error(
		    s, &ref, "limit", "a limit of the server is reached");
		break;
	case SN_EINUSE:
		sess_error(s, &ref, "in-use",
		    "another session of this device uses this consumer");
		break;
	case SN_EINVAL:
		sess_error(s, &ref, "bad-frame", "a field is out of its range");
		break;
	case SN_EFULL:
		sess_error_retry(
		    s, &ref, "busy", "too much is waiting to be stored", 1000);
		break;
	case SN_ESTOREFULL:
	case SN_ESTORE:
		sess_error(s, &ref, "full",
		    "the server cannot store at the moment; nothing of this "
		    "was kept");
		break;
	default:
		sn_log(SN_WARN, "request.failed", "sess=%llu error=%s",
		    (unsigned long long)s->id, sn_err_name(err));
		sess_error(
		    s, &ref, "internal", "the server failed; its log says why");
		break;
	}
}

/*
 * Drop what is queued, but for the frames that TLS has begun to send: the
 * peer could not read on behind half a frame.
 */
static void drop_output(struct sess *s)
{
	size_t keep = s->frame_left;

	while (keep < s->tried) {
		struct sn_rd r =
		    sn_rd_over(sn_buf_head(&s->out) + keep, s->out.len - keep);

		keep += SN_FRAME_HEAD + sn_rd_u32(&r);
	}
	s->out.len = keep;
}

void sess_refuse(struct sess *s, const char *code, const char *text)
{
	struct sn_frame_bye f = { sn_bytes_of(code), sn_bytes_of(text), 0 };
	struct sn_wr w;

	if (s->state == SESS_DRAINING || s->state == SESS_CLOSED)
		return;
	if (s->state == SESS_TLS || s->state == SESS_WAITING) {
		close_now(s);
		return;
	}
	w = sess_put(s, 512);
	sn_frame_put_bye(&w, &f);
	sess_put_end(s, &w);
	if (s->state == SESS_CLOSED || !sess_enter(s, SESS_DRAINING))
		return;
	follow_stop(s);
	history_stop(s);
	listing_stop(s);
	s->deadline = sn_clock_mono() + DRAIN_NS;
}

/* Whether there is one who could be told why, and named. */
static bool is_heard(const struct sess *s)
{
	return (s->state > SESS_TLS && s->state < SESS_DRAINING);
}

void sess_bye(struct sess *s, const char *code, const char *text)
{
	if (is_heard(s))
		audit(s, SN_INFO, "session.bye", code);
	sess_refuse(s, code, text);
}

void sess_expel(struct sess *s, const char *code, const char *text)
{
	if (is_heard(s))
		drop_output(s);
	sess_bye(s, code, text);
}

/* Bytes of ${n} sent: where in a frame does the output begin now? */
static void count_sent(struct sess *s, size_t n)
{
	const uint8_t *p = sn_buf_head(&s->out);
	size_t at = s->frame_left;

	while (at < n) {
		struct sn_rd r = sn_rd_over(p + at, s->out.len - at);

		at += SN_FRAME_HEAD + sn_rd_u32(&r);
	}
	s->frame_left = at - n;
}

/* All is sent: say close_notify, and let the peer read it before we go. */
static void end_output(struct sess *s)
{
	if (s->write_blocked || s->out.len > 0)
		return;
	if (sn_tls_shutdown(s->tls) != SN_TLS_OK)
		sn_log(SN_DEBUG, "session.unclosed", "sess=%llu",
		    (unsigned long long)s->id);
	(void)shutdown(s->watch.fd, SHUT_WR);
}

void sess_flush(struct sess *s)
{
	enum sn_tls_result status = SN_TLS_OK;

	s->dirty = false;
	if (s->state == SESS_CLOSED || s->state <= SESS_TLS || s->failed)
		return;
	while (s->out.len > 0 && status == SN_TLS_OK) {
		size_t n = s->out.len, put = 0;

		if (n > RECORD_MAX)
			n = RECORD_MAX;
		if (n < s->tried)
			n = s->tried; /* The same record again. */
		status = sn_tls_write(s->tls, sn_buf_head(&s->out), n, &put);
		s->tried = status == SN_TLS_OK ? 0 : n;
		if (status == SN_TLS_OK) {
			count_sent(s, put);
			sn_buf_consume(&s->out, put);
		}
	}
	if (status != SN_TLS_OK && status != SN_TLS_WANT_WRITE) {
		close_now(s);
		return;
	}
	s->write_blocked = status == SN_TLS_WANT_WRITE;
	if (s->state == SESS_DRAINING)
		end_output(s);
	sn_poll_want(s->loop->poll, &s->watch, !s->paused, s->write_blocked);
	/* What waited for room may go on. */
	if (s->state == SESS_READY && sess_room(s) &&
	    (s->paused || s->history != NULL || s->listing != NULL ||
		(s->follow.cursor != NULL && !s->follow.live)))
		sess_again(s);
}

/* A frame costs a token; they come back at the configured rate. */
static bool take_token(struct sess *s)
{
	const struct settings *set = s->loop->settings;
	uint64_t now = sn_clock_mono();
	double most = (double)set->limits.frame_burst;

	if (s->tokens < 1) {
		s->tokens += (double)(now - s->tokens_at) * 1e-9 *
			     (double)set->limits.frame_rate;
		s->tokens_at = now;
		if (s->tokens > most)
			s->tokens = most;
	}
	if (s->tokens < 1)
		return (false);
	s->tokens -= 1;
	return (true);
}

/* Over its rate: it is not read until loop.c's next look. */
static void throttle(struct sess *s)
{
	s->paused = true;
	limits_reached(s->loop->net, LIMITS_FRAME_RATE);
	if (s->throttled)
		return;
	s->throttled = true;
	s->next_throttled = s->loop->throttled;
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

/* Act on whole frames of ${p}; returns the bytes that are done with. */
static size_t eat(struct sess *s, const uint8_t *p, size_t n)
{
	uint64_t until = sn_clock_mono() + TURN_NS;
	struct sn_frame frame;
	size_t used = 0;
	enum sn_err err;

	while (takes_frames(s)) {
		if (used > 0 && sn_clock_mono() >= until) {
			s->paused = true;
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
			    "a frame is longer than this server takes");
		else if (err != SN_OK)
			sess_bye(s, "bad-frame", "that is not a frame");
		else if (s->state != SESS_READY && s->frames_in >= EARLY_FRAMES)
			sess_bye(s, "limit", "too many frames before a login");
		if (err != SN_OK || s->state == SESS_DRAINING ||
		    s->state == SESS_CLOSED)
			return (n);
		if (!take_token(s)) {
			throttle(s);
			return (used);
		}
		used += frame.size;
		s->frames_in++;
		dispatch_frame(s, &frame);
	}
	if (s->state == SESS_DRAINING || s->state == SESS_CLOSED)
		return (n); /* Read, so that the peer gets our reason. */
	s->paused = true;
	return (used);
}

static void eat_kept(struct sess *s)
{
	size_t used;

	if (s->in.len == 0)
		return;
	used = eat(s, sn_buf_head(&s->in), s->in.len);
	sn_buf_consume(&s->in, used);
}

/* New bytes: straight from the loop's buffer while none are kept. */
static void eat_fresh(struct sess *s, const uint8_t *p, size_t n)
{
	size_t used = 0;

	if (s->in.len == 0)
		used = eat(s, p, n);
	if (used == n || s->state == SESS_CLOSED)
		return;
	if (sn_buf_append(&s->in, p + used, n - used) != SN_OK) {
		close_now(s);
		return;
	}
	if (used == 0)
		eat_kept(s);
}

/*
 * TLS has failed, and its alert says why: what the peer still sends is
 * thrown away until it has had time to read that.
 */
static void linger(struct sess *s)
{
	login_stop(s);
	follow_stop(s);
	history_stop(s);
	listing_stop(s);
	if (s->state != SESS_DRAINING && !sess_enter(s, SESS_DRAINING))
		return;
	s->failed = true;
	s->paused = s->write_blocked = false;
	(void)shutdown(s->watch.fd, SHUT_WR);
	s->deadline = sn_clock_mono() + DRAIN_NS;
	sn_poll_want(s->loop->poll, &s->watch, true, false);
}

static void read_some(struct sess *s)
{
	struct loop *loop = s->loop;
	size_t turn = 0, got;
	enum sn_tls_result status = SN_TLS_OK;

	while (s->state != SESS_CLOSED && !s->paused && turn < TURN_BYTES) {
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
		if (!s->paused)
			sess_again(s);
	} else if (status == SN_TLS_WANT_WRITE) {
		s->write_blocked = true;
	} else if (status == SN_TLS_FAILED && !s->failed) {
		linger(s);
	} else if (status != SN_TLS_WANT_READ) {
		/* An end is answered with an end. */
		if (status == SN_TLS_CLOSED)
			end_output(s);
		close_now(s);
	}
}

static void handshake(struct sess *s)
{
	enum sn_tls_result status = sn_tls_handshake(s->tls);

	if (status == SN_TLS_WANT_READ || status == SN_TLS_WANT_WRITE) {
		sn_poll_want(s->loop->poll, &s->watch, true,
		    status == SN_TLS_WANT_WRITE);
		return;
	}
	if (status != SN_TLS_OK && s->visit != NULL)
		gate_failed(s->visit, s->tls);
	if (status == SN_TLS_FAILED) {
		linger(s);
		return;
	}
	if (status != SN_TLS_OK || login_peer(s) != SN_OK) {
		close_now(s);
		return;
	}
	sn_poll_want(s->loop->poll, &s->watch, true, false);
	if (sess_enter(s, SESS_HELLO))
		sess_again(s); /* The client may have sent on already. */
}

void sess_begin(struct sess *s)
{
	struct sn_why why = { "" };

	if (login_tls(s, &why) != SN_OK) {
		sn_log(SN_WARN, "session.failed", "address=\"%s\" why=\"%s\"",
		    s->address, why.text);
		close_now(s);
		return;
	}
	if (sess_enter(s, SESS_TLS))
		handshake(s);
}

void sess_work(struct sess *s)
{
	if (s->state == SESS_CLOSED)
		return;
	if (s->state == SESS_TLS) {
		handshake(s);
		return;
	}
	if (s->failed) {
		if (!sn_tls_discard(s->tls))
			close_now(s);
		return;
	}
	s->paused = false;
	eat_kept(s);
	if (s->state != SESS_CLOSED && !s->paused)
		read_some(s);
	if (s->state == SESS_READY) {
		history_feed(s);
		listing_feed(s);
		follow_feed(s);
	}
	if (s->state != SESS_CLOSED && !s->failed)
		sn_poll_want(
		    s->loop->poll, &s->watch, !s->paused, s->write_blocked);
}

/* Its client has spoken. */
static void wait_for_turn(struct sess *s)
{
	if (s->door.where == DOOR_QUIET) {
		door_knock(s);
		return;
	}
	/* It was not let in at once: it is not looked at until it is. */
	limits_reached(s->loop->net, LIMITS_LOGGING_IN);
	sn_poll_want(s->loop->poll, &s->watch, false, false);
}

static void ready(struct sn_poll_watch *watch, bool can_read, bool can_write)
{
	struct sess *s = (struct sess *)watch;

	(void)can_read;
	if (!watch->read && !watch->write) {
		/* Neither was asked for: the connection is gone, and would
		 * be told again and again. */
		close_now(s);
		return;
	}
	if (s->state == SESS_WAITING) {
		wait_for_turn(s);
		return;
	}
	if (can_write) {
		s->write_blocked = false;
		mark_dirty(s);
	}
	sess_work(s);
}

void sess_tick(struct sess *s, uint64_t now)
{
	const struct settings *set = s->loop->settings;
	struct sn_frame_ping ping = { .nonce = now };
	struct sn_wr w;

	if (s->state == SESS_DRAINING || s->state <= SESS_TLS) {
		if (now < s->deadline || s->door.where == DOOR_LINE)
			return;
		if (s->state != SESS_DRAINING)
			limits_reached(s->loop->net, LIMITS_HANDSHAKE_TIME);
		close_now(s);
		return;
	}
	if (s->state != SESS_READY) {
		/* Time spent waiting for us is not the client's. */
		if (s->login == SESS_LOGIN_NONE && now >= s->deadline) {
			limits_reached(s->loop->net, LIMITS_HANDSHAKE_TIME);
			sess_bye(s, "timeout", "login took too long");
		}
		return;
	}
	if (sess_recheck(s))
		return;
	if (s->paused)
		sess_again(s);
	if (now - s->heard >= set->limits.idle_time * SN_NS_PER_MS) {
		limits_reached(s->loop->net, LIMITS_IDLE_TIME);
		sess_bye(s, "timeout", "nothing was heard for too long");
	} else if (now - s->heard >= PING_AFTER_NS && s->pinged <= s->heard) {
		s->pinged = now;
		w = sess_put(s, 32);
		sn_frame_put_ping(&w, &ping);
		sess_put_end(s, &w);
	}
}

bool sess_recheck(struct sess *s)
{
	enum sn_err err;

	if (s->peer == NULL || s->state == SESS_DRAINING)
		return (false);
	err = gate_recheck(s->loop->gate, s->peer, sn_clock_wall_s());
	if (err == SN_OK)
		return (false);
	if (err == SN_EEXPIRED)
		sess_expel(s, "expired", "your certificate has expired");
	else
		sess_expel(s, "revoked",
		    "your certificate was revoked or is no longer trusted");
	return (true);
}

void sess_accept(struct loop *loop, int fd, uint64_t host, const char *address)
{
	const struct settings *set = loop->settings;
	struct sess *s;
	int on = 1;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		goto err0;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	s->loop = loop;
	s->id = ++loop->last_id;
	s->since = s->heard = sn_clock_mono();
	s->deadline = s->since + set->limits.handshake_time * SN_NS_PER_MS;
	s->tokens = (double)set->limits.frame_burst;
	s->tokens_at = s->since;
	sn_buf_init(&s->in, SN_FRAME_HEAD + SN_FRAME_MAX + LOOP_SCRATCH);
	sn_buf_init(&s->out, set->limits.output_queue);
	s->host = host;
	(void)snprintf(s->address, sizeof(s->address), "%s", address);
	s->watch =
	    (struct sn_poll_watch){ .ready = ready, .fd = fd, .read = true };
	if (door_arrive(s) != SN_OK)
		goto err1;
	if (map_put(&loop->sessions, s->id, s) != SN_OK)
		goto err2;
	if (sn_poll_add(loop->poll, &s->watch) != SN_OK)
		goto err3;
	if ((s->next = loop->all) != NULL)
		loop->all->prev = s;
	loop->all = s;
	loop->count++;
	return;

err3:
	map_delete(&loop->sessions, s->id);
err2:
	door_leave(s);
err1:
	free(s);
err0:
	sn_log(SN_WARN, "session.failed",
	    "address=\"%s\" why=\"no memory for a connection\"", address);
	addresses_leave(loop->net->addresses, host);
	addresses_gone(loop->net->addresses);
	(void)close(fd);
}

void sess_free(struct sess *s)
{
	(void)close(s->watch.fd);
	sn_tls_free(s->tls);
	login_stop(s);
	free(s->peer);
	sn_buf_free(&s->in);
	sn_buf_free(&s->out);
	free(s);
}
