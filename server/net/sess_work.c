#include "server/net/sess_work.h"

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/tls.h"
#include "server/net/follow.h"
#include "server/net/history.h"
#include "server/net/login.h"
#include "server/net/loop.h"
#include "server/net/net_impl.h"
#include "server/net/listing.h"
#include "server/net/sess.h"

#define PING_AFTER_NS (60 * SN_NS_PER_S)

void sess_again(struct sess *s)
{
	if (s->again)
		return;
	s->again = true;
	s->next_again = s->loop->again;
	s->loop->again = s;
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
		sess_linger(s);
		return;
	}
	if (status != SN_TLS_OK || login_peer(s) != SN_OK) {
		sess_drop(s);
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
		sess_drop(s);
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
			sess_drop(s);
		return;
	}
	s->in.paused = false;
	sess_in_eat(s);
	if (s->state != SESS_CLOSED && !s->in.paused)
		sess_in_read(s);
	if (s->state == SESS_READY) {
		history_feed(s);
		listing_feed(s);
		follow_feed(s);
	}
	if (s->state != SESS_CLOSED && !s->failed)
		sn_poll_want(
		    s->loop->poll, &s->watch, !s->in.paused, s->out.blocked);
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

void sess_ready(struct sn_poll_watch *watch, bool can_read, bool can_write)
{
	struct sess *s = (struct sess *)watch;

	(void)can_read;
	if (!watch->read && !watch->write) {
		/* Neither was asked for: the connection is gone, and would
		 * be told again and again. */
		sess_drop(s);
		return;
	}
	if (s->state == SESS_WAITING) {
		wait_for_turn(s);
		return;
	}
	if (can_write) {
		s->out.blocked = false;
		sess_out_wake(s);
	}
	sess_work(s);
}

void sess_late(struct sess *s)
{
	if (s->state < SESS_READY)
		limits_reached(s->loop->net, LIMITS_HANDSHAKE_TIME);
	if (s->state == SESS_DRAINING || s->state <= SESS_TLS)
		sess_drop(s);
	else if (s->state == SESS_READY)
		allowance_end(s);
	else
		sess_bye(s, "timeout", "login took too long");
}

void sess_tick(struct sess *s, uint64_t now)
{
	const struct settings *set = s->loop->settings;
	struct sn_frame_ping ping = { .nonce = now };
	struct sn_wr w;

	if (s->state != SESS_READY)
		return;
	if (sess_recheck(s))
		return;
	if (s->in.paused)
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
