#include "server/net/sess.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/tls.h"
#include "server/net/addresses.h"
#include "server/net/audit.h"
#include "server/net/follow.h"
#include "server/net/history.h"
#include "server/net/login.h"
#include "server/net/loop.h"
#include "server/net/net_impl.h"
#include "server/net/listing.h"
#include "server/net/sess_work.h"

#define DRAIN_NS (200 * SN_NS_PER_MS)

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

void sess_drop(struct sess *s)
{
	struct loop *loop = s->loop;

	if (s->state == SESS_CLOSED)
		return;
	if (s->state != SESS_READY && !s->uncounted)
		addresses_leave(loop->net->addresses, s->host);
	addresses_gone(loop->net->addresses);
	door_leave(s);
	deadline_clear(s);
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
		sess_drop(s);
		return (true);
	}
	if (to == SESS_READY) {
		addresses_leave(s->loop->net->addresses, s->host);
		deadline_clear(s);
	}
	if (to == SESS_READY || to == SESS_DRAINING)
		door_leave(s);
	if (to == SESS_DRAINING && s->state == SESS_READY)
		s->uncounted =
		    addresses_enter(s->loop->net->addresses, s->host) != SN_OK;
	s->state = to;
	return (true);
}

void sess_fault(struct sess *s, const char *what)
{
	sn_log(SN_ALARM, "session.fault", "sess=%llu what=\"%s\" state=%d",
	    (unsigned long long)s->id, what, (int)s->state);
	net_count_fault(s->loop->net);
#ifdef SN_TEST_BUILD
	abort();
#endif
	sess_drop(s);
}

void sess_refuse(struct sess *s, const char *code, const char *text)
{
	struct sn_frame_bye f = { sn_bytes_of(code), sn_bytes_of(text), 0 };
	struct sn_wr w;

	if (s->state == SESS_DRAINING || s->state == SESS_CLOSED)
		return;
	if (s->state == SESS_TLS || s->state == SESS_WAITING) {
		sess_drop(s);
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
	deadline_set(s, sn_clock_mono() + DRAIN_NS);
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
		sess_out_drop(s);
	sess_bye(s, code, text);
}

void sess_linger(struct sess *s)
{
	login_stop(s);
	follow_stop(s);
	history_stop(s);
	listing_stop(s);
	if (s->state != SESS_DRAINING && !sess_enter(s, SESS_DRAINING))
		return;
	s->failed = true;
	s->in.paused = s->out.blocked = false;
	(void)shutdown(s->watch.fd, SHUT_WR);
	deadline_set(s, sn_clock_mono() + DRAIN_NS);
	sn_poll_want(s->loop->poll, &s->watch, true, false);
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
	sn_buf_init(&s->in.kept, SN_FRAME_HEAD + SN_FRAME_MAX + LOOP_SCRATCH);
	sn_buf_init(&s->out.queue, set->limits.output_queue);
	s->host = host;
	(void)snprintf(s->address, sizeof(s->address), "%s", address);
	s->watch = (struct sn_poll_watch){
		.ready = sess_ready, .fd = fd, .read = true
	};
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
	deadline_set(s, s->since + set->limits.handshake_time * SN_NS_PER_MS);
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
	sn_buf_free(&s->in.kept);
	sn_buf_free(&s->out.queue);
	free(s);
}
