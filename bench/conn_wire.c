#include "bench/conn_internal.h"

#define CHUNK 16384

/* Only a mark: it stays in the list of the dirty until that is walked. */
void conn_mark_dirty(struct conn *c)
{
	if (c->dirty)
		return;
	c->dirty = true;
	c->next_dirty = c->house->dirty;
	c->house->dirty = c;
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

void conn_flush(struct conn *c)
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
			conn_flush(c);
	}
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

void conn_read(struct conn *c)
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

void conn_shake(struct conn *c)
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
