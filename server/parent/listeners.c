#include "server/parent/listeners.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"

#define BACKLOG 4096
#define FREE_MS 3000 /* What a killed sicherd's children take to go. */
#define LOOK_MS 20

/* "127.0.0.1:7443", "[::1]:7443" */
static enum sn_err parse(const char *text, struct sockaddr_storage *out,
    socklen_t *len, struct sn_why *why)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE };
	const char *colon = strrchr(text, ':');
	struct addrinfo *found;
	char host[80];
	size_t n;

	if (colon == NULL || (size_t)(colon - text) >= sizeof(host))
		goto bad;
	n = (size_t)(colon - text);
	memcpy(host, text, n);
	host[n] = '\0';
	if (host[0] == '[' && n > 2 && host[n - 1] == ']') {
		host[n - 1] = '\0';
		memmove(host, host + 1, n - 1);
	}
	if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
		goto bad;
	memcpy(out, found->ai_addr, found->ai_addrlen);
	*len = found->ai_addrlen;
	freeaddrinfo(found);
	return (SN_OK);
bad:
	return (sn_why(why, SN_EINVAL,
	    "listen: \"%s\" is no numeric address and port, such as "
	    "\"127.0.0.1:7443\" or \"[::]:7443\"",
	    text));
}

/*
 * SO_REUSEPORT lets this user's other processes in as well: a second server
 * would take a share of the first one's connections, and neither would know.
 * A socket without it is refused where anybody listens.
 */
static enum sn_err is_free(const char *text, const struct sockaddr_storage *at,
    socklen_t len, struct sn_why *why)
{
	const struct sockaddr *a = (const struct sockaddr *)at;
	uint64_t until = sn_clock_mono() + FREE_MS * SN_NS_PER_MS;
	int on = 1, fd, failed;

	for (;;) {
		fd = socket(at->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0)
			return (
			    sn_why_errno(why, SN_EIO, "cannot open a socket"));
		failed = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on,
			     sizeof(on)) != 0 ||
			 bind(fd, a, len) != 0;
		failed = failed ? errno : 0;
		(void)close(fd);
		if (failed != EADDRINUSE || sn_clock_mono() >= until)
			break;
		(void)poll(NULL, 0, LOOK_MS);
	}
	if (failed == EADDRINUSE)
		return (sn_why(why, SN_EINUSE,
		    "another process listens on %s; stop it, or put another "
		    "address into listen",
		    text));
	return (SN_OK); /* Of anything else open_one tells. */
}

static enum sn_err open_one(const char *text, const struct sockaddr_storage *at,
    socklen_t len, int *out, struct sn_why *why)
{
	const struct sockaddr *a = (const struct sockaddr *)at;
	int on = 1;
	int fd = socket(
	    at->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	enum sn_err err;

	if (fd < 0)
		return (sn_why_errno(why, SN_EIO, "cannot open a socket"));
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0 ||
	    bind(fd, a, len) != 0 || listen(fd, BACKLOG) != 0) {
		err =
		    sn_why_errno(why, errno == EADDRINUSE ? SN_EINUSE : SN_EIO,
			"cannot listen on %s", text);
		(void)close(fd);
		return (err);
	}
	*out = fd;
	return (SN_OK);
}

/* Port 0 became one: the other loops share it, and people are told. */
static void describe(
    int fd, struct sockaddr_storage *at, socklen_t *len, char *out, size_t size)
{
	char host[64], port[16];

	*len = sizeof(*at);
	(void)getsockname(fd, (struct sockaddr *)at, len);
	if (getnameinfo((struct sockaddr *)at, *len, host, sizeof(host), port,
		sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		out[0] = '\0';
	else
		(void)snprintf(out, size,
		    at->ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host,
		    port);
}

enum sn_err listeners_check(const struct settings *settings, struct sn_why *why)
{
	struct sockaddr_storage at;
	socklen_t len;

	return (parse(settings->listen.items[0], &at, &len, why));
}

enum sn_err listeners_open(
    const struct settings *settings, struct listeners *out, struct sn_why *why)
{
	const char *text = settings->listen.items[0];
	struct sockaddr_storage at;
	socklen_t len;
	enum sn_err err;

	memset(out, 0, sizeof(*out));
	if ((err = parse(text, &at, &len, why)) != SN_OK ||
	    (err = is_free(text, &at, len, why)) != SN_OK)
		return (err);
	for (unsigned i = 0; i < settings->loops; i++) {
		err = open_one(text, &at, len, &out->fds[i], why);
		if (err != SN_OK) {
			listeners_close(out);
			return (err);
		}
		out->count++;
		if (i == 0)
			describe(out->fds[0], &at, &len, out->address,
			    sizeof(out->address));
	}
	return (SN_OK);
}

void listeners_close(struct listeners *l)
{
	for (unsigned i = 0; i < l->count; i++)
		(void)close(l->fds[i]);
	l->count = 0;
}
