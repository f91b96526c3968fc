#include "bench/conn_internal.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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
	conn_shake(c);
}

/* A line in the clear; nothing may come behind it before TLS. */
static void hear_greeting(struct conn *c)
{
	ssize_t n = recv(c->watch.fd, c->house->scratch, CONN_SCRATCH, 0);

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
		conn_shake(c);
		return;
	case CONN_LOGGING_IN:
	case CONN_OPEN:
		if (can_write && c->out.len > 0)
			conn_mark_dirty(c);
		if (can_read)
			conn_read(c);
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
