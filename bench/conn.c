#include "bench/conn_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define OUT_MAX (256 * 1024 * 1024)
#define IN_MAX (1024 * 1024)

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

static void drop(struct conn *c)
{
	conn_wait_no_more(c);
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
	conn_mark_dirty(c);
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
			conn_flush(c);
		if (c->state == CONN_OPEN)
			(void)!sn_tls_shutdown(c->tls);
	}
	drop(c);
}
