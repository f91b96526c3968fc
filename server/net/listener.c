#include "server/net/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/log.h"
#include "server/net/addresses.h"
#include "server/net/loop.h"
#include "server/net/net_impl.h"
#include "server/net/sess.h"

#define ACCEPTS_A_TURN 256

static void address_text(
    const struct sockaddr_storage *from, char *out, size_t size)
{
	char host[INET6_ADDRSTRLEN] = "?";
	union {
		const struct sockaddr_storage *any;
		const struct sockaddr_in *v4;
		const struct sockaddr_in6 *v6;
	} a = { .any = from };

	if (from->ss_family == AF_INET) {
		(void)inet_ntop(AF_INET, &a.v4->sin_addr, host, sizeof(host));
		(void)snprintf(
		    out, size, "%s:%u", host, (unsigned)ntohs(a.v4->sin_port));
	} else {
		(void)inet_ntop(AF_INET6, &a.v6->sin6_addr, host, sizeof(host));
		(void)snprintf(out, size, "[%s]:%u", host,
		    (unsigned)ntohs(a.v6->sin6_port));
	}
}

static bool admits(struct loop *loop, uint64_t host, const char *address)
{
	struct addresses *a = loop->net->addresses;
	enum sn_err err = addresses_admit(a, host);
	unsigned dropped;

	if (err == SN_OK)
		return (true);
	limits_reached(loop->net, err == SN_EFULL
				      ? LIMITS_CONNECTIONS
				      : LIMITS_CONNECTIONS_PER_ADDRESS);
	if (err == SN_EFULL && door_make_room(loop) &&
	    addresses_admit(a, host) == SN_OK)
		return (true);
	if (sn_log_allow(&loop->refusals, &dropped))
		sn_log(SN_NOTICE, "connection.refused",
		    "address=\"%s\" reason=limit withheld=%u", address,
		    dropped);
	return (false);
}

/* No descriptor, or no memory, for one more. */
static void cannot_accept(struct loop *loop)
{
	if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS &&
	    errno != ENOMEM)
		return;
	if (!door_make_room(loop))
		/* The tick listens again. */
		sn_poll_want(loop->poll, &loop->listener, false, false);
}

void listener_ready(struct sn_poll_watch *watch, bool can_read, bool w)
{
	struct loop *loop =
	    (struct loop *)(void *)((char *)watch -
				    offsetof(struct loop, listener));
	struct sockaddr_storage from;
	char address[80];
	uint64_t host;

	(void)can_read;
	(void)w;
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		socklen_t len = sizeof(from);
		int fd = accept4(watch->fd, (struct sockaddr *)&from, &len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0) {
			cannot_accept(loop);
			return;
		}
		host = addresses_key(loop->net->addresses, &from);
		address_text(&from, address, sizeof(address));
		if (admits(loop, host, address))
			sess_accept(loop, fd, host, address);
		else
			(void)close(fd);
	}
}
