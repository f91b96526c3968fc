#include "client/core_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"

/* The socket of the address being tried; -1 with errno. */
static int dial_socket(const struct addrinfo *a)
{
	int one = 1, error;
	int fd =
	    socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return (-1);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, a->ai_addr, a->ai_addrlen) == 0 || errno == EINPROGRESS)
		return (fd);
	error = errno;
	(void)close(fd);
	errno = error;
	return (-1);
}

/* Try addresses from core->address on. */
static enum core_step try_next(
    struct core *core, int error, struct core_event *ev)
{
	for (; core->address != NULL; core->address = core->address->ai_next) {
		if ((core->fd = dial_socket(core->address)) >= 0) {
			core_enter(core, CORE_DIALLING, CORE_DIAL_NS);
			return (CORE_STEP_WAIT);
		}
		error = errno;
	}
	return (core_fail(core, ev, SN_ECLOSED, true,
	    "cannot reach %s port %s: %s; is the server running, and is its "
	    "address in your profile right?",
	    core->config.host, core->config.port, strerror(error)));
}

enum core_step core_dial(struct core *core, struct core_event *ev)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	int failed;

	if (core->addresses != NULL)
		freeaddrinfo(core->addresses);
	core->addresses = NULL;
	hints.ai_flags = AI_ADDRCONFIG;
	failed = getaddrinfo(
	    core->config.host, core->config.port, &hints, &core->addresses);
	if (failed != 0) {
		core->addresses = NULL;
		return (core_fail(core, ev, SN_ECLOSED, true,
		    "cannot find the server %s: %s; is its name in your "
		    "profile right?",
		    core->config.host, gai_strerror(failed)));
	}
	core->address = core->addresses;
	return (try_next(core, 0, ev));
}

enum core_step core_dial_step(struct core *core, struct core_event *ev)
{
	struct pollfd pfd = { core->fd, POLLOUT, 0 };
	int error = ETIMEDOUT;
	socklen_t size = sizeof(error);

	if (sn_clock_mono() < core->deadline) {
		if (poll(&pfd, 1, 0) <= 0)
			return (CORE_STEP_WAIT);
		if (getsockopt(core->fd, SOL_SOCKET, SO_ERROR, &error, &size) !=
		    0)
			error = errno;
		if (error == 0) {
			core_enter(core, CORE_SHAKING, CORE_LOGIN_NS);
			return (CORE_STEP_ON);
		}
	}
	(void)close(core->fd);
	core->fd = -1;
	core->address = core->address->ai_next;
	return (try_next(core, error, ev));
}
