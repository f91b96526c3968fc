#include "ca/notify.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <jansson.h>

#define ANSWER_MAX 65536
#define WAIT_SECONDS 30

static enum sn_err reach(const char *path, int *out, struct sn_why *why)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval wait = { WAIT_SECONDS, 0 };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return (sn_why(
		    why, SN_EINVAL, "path of a socket too long: %s", path));
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return (sn_why_errno(why, SN_EIO, "cannot make a socket"));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) != 0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		enum sn_err err = sn_why_errno(
		    why, SN_ECLOSED, "no server answers at %s", path);

		(void)close(fd);
		return (err);
	}
	*out = fd;
	return (SN_OK);
}

/* Reads to the end of the line; NULL-terminated in ${line}. */
static bool read_line(int fd, char *line, size_t size)
{
	size_t have = 0;

	while (have < size - 1) {
		ssize_t got = recv(fd, line + have, size - 1 - have, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return (false);
		have += (size_t)got;
		line[have] = '\0';
		if (memchr(line, '\n', have) != NULL)
			return (true);
	}
	return (false);
}

static enum sn_err understand(
    const char *line, struct notice *out, struct sn_why *why)
{
	json_t *answer = json_loads(line, JSON_DISABLE_EOF_CHECK, NULL);
	const char *message;
	enum sn_err err = SN_OK;

	if (json_is_true(json_object_get(answer, "ok"))) {
		out->crl = json_integer_value(json_object_get(answer, "crl"));
		out->closed =
		    json_integer_value(json_object_get(answer, "closed"));
	} else {
		message = json_string_value(json_object_get(answer, "message"));
		err = sn_why(why, SN_EDENIED, "the server did not take it: %s",
		    message != NULL ? message : "it gave no reason");
	}
	json_decref(answer);
	return (err);
}

enum sn_err notify_server(
    const char *path, struct notice *out, struct sn_why *why)
{
	static const char ask[] = "{\"cmd\":\"reload\"}\n";
	char line[ANSWER_MAX];
	enum sn_err err;
	int fd;

	if ((err = reach(path, &fd, why)) != SN_OK)
		return (err);
	if (send(fd, ask, sizeof(ask) - 1, MSG_NOSIGNAL) !=
		(ssize_t)sizeof(ask) - 1 ||
	    !read_line(fd, line, sizeof(line)))
		err = sn_why(
		    why, SN_ECLOSED, "the server at %s did not answer", path);
	else
		err = understand(line, out, why);
	(void)close(fd);
	return (err);
}
