#include "bench/conn.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"

#define OUT_MAX (256 * 1024 * 1024)
#define IN_MAX (1024 * 1024)
#define CHUNK 16384
#define LOOK_NS (10 * SN_NS_PER_MS) /* Between looks at the paused. */

void conn_init(struct conn *c, struct conn_house *house, struct person *person,
    unsigned number, unsigned nth)
{
	*c = (struct conn){ .house = house,
		.person = person,
		.number = number,
		.nth = nth,
		.watch.fd = -1 };
	sn_buf_init(&c->in, IN_MAX);
	sn_buf_init(&c->out, OUT_MAX);
}

/* Only a mark: it stays in the list of the dirty until that is walked. */
static void mark_dirty(struct conn *c)
{
	if (c->dirty)
		return;
	c->dirty = true;
	c->next_dirty = c->house->dirty;
	c->house->dirty = c;
}

static void wait_no_more(struct conn *c)
{
	struct conn **p = &c->house->waiting;

	if (c->again_at == 0)
		return;
	while (*p != c)
		p = &(*p)->next_waiting;
	*p = c->next_waiting;
	c->again_at = 0;
}

static void drop(struct conn *c)
{
	wait_no_more(c);
	if (c->watch.fd >= 0) {
		sn_poll_remove(c->house->poll, &c->watch);
		sn_tls_free(c->tls);
		(void)close(c->watch.fd);
	}
	c->tls = NULL;
	c->watch.fd = -1;
	c->state = CONN_CLOSED;
	sn_buf_free(&c->in);
	sn_buf_free(&c->out);
}

void conn_end(struct conn *c, bool may_return, const char *format, ...)
{
	struct conn_house *house = c->house;
	va_list ap;

	if (c->state == CONN_CLOSED)
		return;
	va_start(ap, format);
	(void)vsnprintf(house->why.text, sizeof(house->why.text), format, ap);
	va_end(ap);
	house->may_return = may_return;
	drop(c);
	if (house->events.ended != NULL)
		house->events.ended(c);
}

static void ended_by_tls(struct conn *c, enum sn_tls_result r)
{
	struct sn_why why;
	enum sn_err err;

	if (r == SN_TLS_CLOSED) {
		conn_end(c, true, "the server ended the connection");
		return;
	}
	err = sn_tls_why(c->tls, c->house->server_name, &why);
	conn_end(c, err == SN_ECLOSED, "%s", why.text);
}

static void flush(struct conn *c)
{
	enum sn_tls_result r = SN_TLS_OK;
	size_t n;

	while (c->out.len > 0 && r == SN_TLS_OK) {
		r = sn_tls_write(c->tls, sn_buf_head(&c->out), c->out.len, &n);
		if (r == SN_TLS_OK)
			sn_buf_consume(&c->out, n);
	}
	if (r == SN_TLS_OK || r == SN_TLS_WANT_READ || r == SN_TLS_WANT_WRITE)
		sn_poll_want(c->house->poll, &c->watch, true, c->out.len > 0);
	else
		ended_by_tls(c, r);
}

void conn_flush_all(struct conn_house *house)
{
	struct conn *c;

	while ((c = house->dirty) != NULL) {
		house->dirty = c->next_dirty;
		c->dirty = false;
		if (c->state >= CONN_LOGGING_IN)
			flush(c);
	}
}

void conn_pause(struct conn *c, uint64_t ms)
{
	struct conn_house *house = c->house;

	wait_no_more(c);
	house->paused += c->state != CONN_CLOSED;
	c->again_at = sn_clock_mono() + ms * SN_NS_PER_MS;
	c->next_waiting = house->waiting;
	house->waiting = c;
}

static void wake(struct conn *c)
{
	wait_no_more(c);
	if (c->state == CONN_CLOSED)
		c->house->events.due(c);
	else
		c->house->protocol->again(c);
}

void conn_wake_all(struct conn_house *house)
{
	struct conn *c, *next;
	uint64_t now;

	if (house->waiting == NULL)
		return;
	now = sn_clock_mono();
	if (now - house->looked < LOOK_NS)
		return;
	house->looked = now;
	for (c = house->waiting; c != NULL; c = next) {
		next = c->next_waiting;
		if (c->again_at <= now)
			wake(c);
	}
}

struct sn_wr conn_put(struct conn *c, size_t size)
{
	uint8_t *into;

	if (sn_buf_reserve(&c->out, size, &into) != SN_OK)
		return (sn_wr_over(NULL, 0));
	return (sn_wr_over(into, size));
}

void conn_put_end(struct conn *c, const struct sn_wr *w)
{
	if (w->bad) {
		conn_end(c, false, "a message did not fit");
		return;
	}
	sn_buf_commit(&c->out, w->n);
	mark_dirty(c);
}

void conn_opened(struct conn *c)
{
	c->state = CONN_OPEN;
	c->losses = 0;
	if (c->house->events.opened != NULL)
		c->house->events.opened(c);
}

void conn_readied(struct conn *c)
{
	if (c->house->events.readied != NULL)
		c->house->events.readied(c);
}

void conn_stored(struct conn *c)
{
	c->stored++;
	if (c->house->events.stored != NULL)
		c->house->events.stored(c);
}

void conn_received(struct conn *c, struct sn_bytes body)
{
	c->received++;
	if (c->house->events.received != NULL)
		c->house->events.received(c, body);
}

/* How many of these bytes were whole messages. */
static size_t take_all(struct conn *c, const uint8_t *p, size_t n)
{
	size_t used = 0, one = 1;

	while (used < n && c->state != CONN_CLOSED && one > 0) {
		one = c->house->protocol->take(c, p + used, n - used);
		if (one == PROTOCOL_BROKEN) {
			conn_end(c, false, "the server sent what is no %s",
			    c->house->protocol->name);
			return (used);
		}
		used += one;
	}
	return (used);
}

/* Bytes that stand alone; what is no whole message yet is kept. */
static void take_fresh(struct conn *c, size_t n)
{
	const uint8_t *p = c->house->scratch;
	size_t used = take_all(c, p, n);

	if (c->state != CONN_CLOSED && used < n &&
	    sn_buf_append(&c->in, p + used, n - used) != SN_OK)
		conn_end(c, false, "out of memory");
}

static void take_more(struct conn *c, size_t n)
{
	sn_buf_commit(&c->in, n);
	n = take_all(c, sn_buf_head(&c->in), c->in.len);
	if (c->state != CONN_CLOSED)
		sn_buf_consume(&c->in, n);
}

static void read_all(struct conn *c)
{
	struct conn_house *house = c->house;
	enum sn_tls_result r;
	bool fresh;
	uint8_t *p;
	size_t n, room;

	for (;;) {
		fresh = c->in.len == 0;
		p = house->scratch;
		room = fresh ? CONN_SCRATCH : CHUNK;
		if (!fresh && sn_buf_reserve(&c->in, room, &p) != SN_OK) {
			conn_end(
			    c, false, "a message of the server is too long");
			return;
		}
		r = sn_tls_read(c->tls, p, room, &n);
		if (r != SN_TLS_OK)
			break;
		if (fresh)
			take_fresh(c, n);
		else
			take_more(c, n);
		if (c->state == CONN_CLOSED)
			return;
	}
	if (r != SN_TLS_WANT_READ && r != SN_TLS_WANT_WRITE)
		ended_by_tls(c, r);
	else if (house->protocol->turn != NULL && c->state == CONN_OPEN)
		house->protocol->turn(c);
}

static void shake(struct conn *c)
{
	struct conn_house *house = c->house;
	enum sn_tls_result r = sn_tls_handshake(c->tls);

	if (r == SN_TLS_WANT_READ || r == SN_TLS_WANT_WRITE) {
		sn_poll_want(
		    house->poll, &c->watch, true, r == SN_TLS_WANT_WRITE);
	} else if (r == SN_TLS_OK) {
		c->state = CONN_LOGGING_IN;
		sn_poll_want(house->poll, &c->watch, true, false);
		house->protocol->login(c);
	} else {
		ended_by_tls(c, r);
	}
}

static void begin_tls(struct conn *c)
{
	struct conn_house *house = c->house;

	if (sn_tls_connect(c->person->tls, c->watch.fd, house->server_name,
		&c->tls) != SN_OK) {
		conn_end(c, false, "%s is neither a name nor an address",
		    house->server_name);
		return;
	}
	c->state = CONN_SHAKING;
	shake(c);
}

/* A line in the clear; nothing may come behind it before TLS. */
static void hear_greeting(struct conn *c)
{
	ssize_t n = recv(c->watch.fd, c->house->scratch, CHUNK, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		conn_end(c, true, "the server hung up before its greeting");
		return;
	}
	if (c->house->scratch[n - 1] != '\n')
		return;
	begin_tls(c);
}

static void dialled(struct conn *c)
{
	int error = 0;
	socklen_t size = sizeof(error);

	(void)getsockopt(c->watch.fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error != 0) {
		conn_end(c, true, "cannot connect: %s", strerror(error));
		return;
	}
	if (!c->house->protocol->greets) {
		begin_tls(c);
		return;
	}
	c->state = CONN_GREETING;
	sn_poll_want(c->house->poll, &c->watch, true, false);
}

static void ready(struct sn_poll_watch *watch, bool can_read, bool can_write)
{
	struct conn *c = (struct conn *)watch;

	switch (c->state) {
	case CONN_DIALLING:
		dialled(c);
		return;
	case CONN_GREETING:
		hear_greeting(c);
		return;
	case CONN_SHAKING:
		shake(c);
		return;
	case CONN_LOGGING_IN:
	case CONN_OPEN:
		if (can_write && c->out.len > 0)
			mark_dirty(c);
		if (can_read)
			read_all(c);
		return;
	case CONN_CLOSED:
		return;
	}
}

/* One address has ports for some 28,000 connections, and servers have
 * limits for each. */
static enum sn_err bind_source(int fd, const struct conn *c)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	int yes = 1;

	if (c->house->sources == 0)
		return (SN_OK);
	from.sin_addr.s_addr =
	    htonl(0x7f004d01u + c->number % c->house->sources);
	(void)setsockopt(
	    fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof(yes));
	return (bind(fd, (struct sockaddr *)&from, sizeof(from)) == 0 ? SN_OK
								      : SN_EIO);
}

enum sn_err conn_dial(struct conn *c, struct sn_why *why)
{
	struct conn_house *house = c->house;
	const struct sockaddr *to = (const struct sockaddr *)&house->server;
	enum sn_err err = people_tls(c->person, house->protocol->alpn, why);
	int fd, yes = 1;

	if (err != SN_OK)
		return (err);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return (sn_why_errno(why, SN_EIO, "cannot make a socket"));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	if (bind_source(fd, c) != SN_OK ||
	    (connect(fd, to, sizeof(house->server)) != 0 &&
		errno != EINPROGRESS)) {
		(void)close(fd);
		return (sn_why_errno(why, SN_EIO, "cannot connect"));
	}
	c->watch =
	    (struct sn_poll_watch){ .ready = ready, .fd = fd, .write = true };
	c->state = CONN_DIALLING;
	c->seen = c->acked = c->frames = c->bytes = 0;
	if (sn_poll_add(house->poll, &c->watch) != SN_OK) {
		(void)close(fd);
		c->watch.fd = -1;
		c->state = CONN_CLOSED;
		return (sn_why_errno(why, SN_EIO, "cannot watch a socket"));
	}
	return (SN_OK);
}

void conn_cut(struct conn *c)
{
	drop(c);
}

void conn_close(struct conn *c)
{
	if (c->state == CONN_OPEN) {
		if (c->house->protocol->leave != NULL)
			c->house->protocol->leave(c);
		if (c->state == CONN_OPEN)
			flush(c);
		if (c->state == CONN_OPEN)
			(void)!sn_tls_shutdown(c->tls);
	}
	drop(c);
}
