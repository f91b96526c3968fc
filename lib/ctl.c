#include "lib/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/secret.h"

#define REPLY_MAX (1024U * 1024 + 1)
#define CHUNK 4096

struct sn_ctl {
	int fd;
	unsigned wait_ms;
	struct sn_buf in;
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
};

static enum sn_err connect_failed(const char *path, struct sn_why *why)
{
	if (errno == EACCES || errno == EPERM)
		return (sn_why(why, SN_EDENIED,
		    "this user may not use %s; ask as root or as the server's "
		    "own user",
		    path));
	return (sn_why(why, SN_ECLOSED,
	    "no server answers at %s (%s); is sicherd running, and is this "
	    "the path of control in its configuration?",
	    path, strerror(errno)));
}

enum sn_err sn_ctl_open(
    const char *path, unsigned wait_ms, struct sn_ctl **out, struct sn_why *why)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct sn_ctl *ctl;
	enum sn_err err;

	if (path[0] == '\0' || strlen(path) >= sizeof(at.sun_path))
		return (sn_why(why, SN_EINVAL,
		    "\"%s\" is no path that a socket may have", path));
	memcpy(at.sun_path, path, strlen(path));
	if ((ctl = calloc(1, sizeof(*ctl))) == NULL)
		return (sn_why(why, SN_ENOMEM, "no memory"));
	ctl->wait_ms = wait_ms;
	memcpy(ctl->path, at.sun_path, sizeof(ctl->path));
	sn_buf_init(&ctl->in, REPLY_MAX);
	ctl->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (ctl->fd < 0) {
		err = sn_why_errno(why, SN_EIO, "cannot open a socket");
		goto err0;
	}
	if (connect(ctl->fd, (struct sockaddr *)&at, sizeof(at)) != 0) {
		err = connect_failed(path, why);
		goto err1;
	}
	/* From here on poll(2) waits, against the deadline. */
	if (fcntl(ctl->fd, F_SETFL, O_NONBLOCK) != 0) {
		err = sn_why_errno(why, SN_EIO, "cannot set up a socket");
		goto err1;
	}
	*out = ctl;
	return (SN_OK);
err1:
	(void)close(ctl->fd);
err0:
	free(ctl);
	return (err);
}

static void forget(struct sn_buf *b)
{
	if (b->data != NULL)
		sn_secret_wipe(b->data, b->cap);
	sn_buf_free(b);
}

void sn_ctl_close(struct sn_ctl *ctl)
{
	if (ctl == NULL)
		return;
	(void)close(ctl->fd);
	forget(&ctl->in);
	free(ctl);
}

static enum sn_err wait_for(
    struct sn_ctl *ctl, short events, uint64_t until, struct sn_why *why)
{
	struct pollfd p = { .fd = ctl->fd, .events = events };
	uint64_t now = sn_clock_mono();

	if (now < until) {
		int n = poll(&p, 1, (int)((until - now) / SN_NS_PER_MS) + 1);

		if (n > 0 || (n < 0 && errno == EINTR))
			return (SN_OK);
	}
	return (sn_why(why, SN_ETIMEOUT,
	    "the server at %s did not answer within %u s; whether it did what "
	    "was asked, its log tells",
	    ctl->path, ctl->wait_ms / 1000));
}

/* A server that refuses us answers and closes without having read: what it
 * said still waits to be received. */
static enum sn_err put(struct sn_ctl *ctl, const char *p, size_t n,
    uint64_t until, struct sn_why *why)
{
	enum sn_err err;

	while (n > 0) {
		ssize_t sent = send(ctl->fd, p, n, MSG_NOSIGNAL);

		if (sent < 0 && (errno == EPIPE || errno == ECONNRESET))
			return (SN_OK);
		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return (sn_why_errno(
			    why, SN_EIO, "cannot write to %s", ctl->path));
		if (sent < 0) {
			if ((err = wait_for(ctl, POLLOUT, until, why)) != SN_OK)
				return (err);
			continue;
		}
		p += sent;
		n -= (size_t)sent;
	}
	return (SN_OK);
}

/* Until a line is there; *${n} is its length without the newline. */
static enum sn_err get_line(
    struct sn_ctl *ctl, uint64_t until, size_t *n, struct sn_why *why)
{
	const uint8_t *newline = NULL;
	enum sn_err err;

	while (newline == NULL) {
		uint8_t *to;
		ssize_t got;

		if ((err = wait_for(ctl, POLLIN, until, why)) != SN_OK)
			return (err);
		if ((err = sn_buf_reserve(&ctl->in, CHUNK, &to)) != SN_OK)
			return (sn_why(why, err == SN_EFULL ? SN_ETOOBIG : err,
			    "the answer of %s is too long", ctl->path));
		got = recv(ctl->fd, to, CHUNK, 0);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (got <= 0)
			return (sn_why(why, SN_ECLOSED,
			    "the server at %s closed the connection without "
			    "an answer; see its log",
			    ctl->path));
		sn_buf_commit(&ctl->in, (size_t)got);
		newline = memchr(to, '\n', (size_t)got);
	}
	*n = (size_t)(newline - sn_buf_head(&ctl->in));
	return (SN_OK);
}

enum sn_err sn_ctl_ask(struct sn_ctl *ctl, const json_t *request,
    json_t **reply, struct sn_why *why)
{
	uint64_t until = sn_clock_mono() + ctl->wait_ms * SN_NS_PER_MS;
	char *text = json_dumps(request, JSON_COMPACT);
	enum sn_err err;
	size_t n;

	if (text == NULL)
		return (sn_why(why, SN_EINVAL,
		    "what was given is no text (it must be UTF-8)"));
	n = strlen(text);
	text[n] = '\n'; /* In the place of the NUL. */
	err = put(ctl, text, n + 1, until, why);
	sn_secret_wipe(text, n + 1);
	free(text);
	if (err != SN_OK || (err = get_line(ctl, until, &n, why)) != SN_OK)
		return (err);
	*reply = json_loadb((const char *)sn_buf_head(&ctl->in), n, 0, NULL);
	forget(&ctl->in);
	if (json_is_object(*reply))
		return (SN_OK);
	json_decref(*reply);
	return (sn_why(why, SN_EPROTO,
	    "what answers at %s is not sicherd's control socket", ctl->path));
}

bool sn_ctl_ok(const json_t *reply)
{
	return (json_is_true(json_object_get(reply, "ok")));
}

const char *sn_ctl_text(const json_t *reply, const char *name)
{
	const char *text = json_string_value(json_object_get(reply, name));

	return (text != NULL ? text : "");
}
