#include "server/parent/child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/secret.h"
#include "server/base/channel.h"

#define ANSWER_MS 30000
#define RESTART_NS (60 * SN_NS_PER_S)
#define STARTS 3

static json_t *failed(const struct child *child, const char *what)
{
	return (json_pack("{s:b, s:s, s:s+}", "ok", 0, "error", "unavailable",
	    "message", child->name, what));
}

bool child_ok(const json_t *reply)
{
	return (json_is_true(json_object_get(reply, "ok")));
}

/* The packet that answers ${id}; NULL on silence or end. */
static json_t *receive(struct child *child, uint64_t id)
{
	uint64_t until = sn_clock_mono() + ANSWER_MS * SN_NS_PER_MS;
	struct pollfd p = { .fd = child->fd, .events = POLLIN };
	char *buffer = malloc(CHANNEL_MESSAGE_MAX);
	json_t *reply = NULL;
	unsigned count;
	uint64_t now;
	size_t n;

	while (buffer != NULL && (now = sn_clock_mono()) < until) {
		int fd, got = poll(&p, 1, (int)((until - now) / SN_NS_PER_MS));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0 ||
		    channel_recv(child->fd, buffer, CHANNEL_MESSAGE_MAX, &n,
			&fd, 0, &count) != SN_OK)
			break;
		reply = json_loadb(buffer, n, 0, NULL);
		if ((uint64_t)json_integer_value(
			json_object_get(reply, "id")) == id)
			break;
		/* A late answer to a request that was given up. */
		json_decref(reply);
		reply = NULL;
	}
	free(buffer);
	return (reply);
}

json_t *child_ask(
    struct child *child, json_t *request, const int *fds, unsigned count)
{
	uint64_t id = ++child->last_id;
	json_t *reply;
	enum sn_err err;
	char *text;

	(void)json_object_set_new(request, "id", json_integer((json_int_t)id));
	text = json_dumps(request, JSON_COMPACT);
	json_decref(request);
	if (text == NULL || child->pid == 0) {
		free(text);
		return (failed(child, " is not running"));
	}
	err = channel_send(child->fd, sn_bytes_of(text), fds, count);
	/* It may have held a password. */
	sn_secret_wipe(text, strlen(text));
	free(text);
	if (err != SN_OK)
		return (failed(child, " does not take requests"));
	if ((reply = receive(child, id)) == NULL)
		return (failed(child, " does not answer; see the log"));
	(void)json_object_del(reply, "id");
	return (reply);
}

json_t *child_ask_id(struct child *child, const char *cmd, json_int_t id)
{
	return (child_ask(child,
	    json_pack("{s:s, s:I}", "cmd", cmd, "account_id", id), NULL, 0));
}

static int by_number(const void *a, const void *b)
{
	const int *x = a, *y = b;

	return (*x < *y ? -1 : *x > *y);
}

/* All descriptors but the standard ones and these. */
static void close_others(int ctl_fd, const int *keep, unsigned count)
{
	int fds[CHANNEL_FDS_MAX + 4];
	unsigned n = 0, from = 0;

	/* The first two as well, or a database could open as one of them. */
	fds[n++] = STDIN_FILENO;
	fds[n++] = STDOUT_FILENO;
	fds[n++] = STDERR_FILENO;
	fds[n++] = ctl_fd;
	for (unsigned i = 0; i < count && n < CHANNEL_FDS_MAX + 4; i++)
		fds[n++] = keep[i];
	qsort(fds, n, sizeof(*fds), by_number);
	for (unsigned i = 0; i < n; i++) {
		if ((unsigned)fds[i] > from)
			(void)close_range(from, (unsigned)fds[i] - 1, 0);
		from = (unsigned)fds[i] + 1;
	}
	(void)close_range(from, ~0U, 0);
}

static void default_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void note_start(struct child *child)
{
	memmove(child->started, child->started + 1,
	    (STARTS - 1) * sizeof(*child->started));
	child->started[STARTS - 1] = sn_clock_mono();
}

bool child_may_start(const struct child *child, uint64_t now)
{
	return (child->started[0] == 0 || now - child->started[0] > RESTART_NS);
}

enum sn_err child_start(struct child *child, int (*run)(void *arg, int ctl_fd),
    void *arg, const int *keep, unsigned count, struct sn_why *why)
{
	json_t *reply;
	int fds[2];
	pid_t pid;
	enum sn_err err;

	if ((err = channel_pair(fds)) != SN_OK)
		return (sn_why_errno(why, err, "cannot make a socket pair"));
	if ((pid = fork()) < 0) {
		err = sn_why_errno(why, SN_EIO, "cannot fork");
		(void)close(fds[0]);
		(void)close(fds[1]);
		return (err);
	}
	if (pid == 0) {
		close_others(fds[1], keep, count);
		default_signals();
		_exit(run(arg, fds[1]));
	}
	(void)close(fds[1]);
	child->pid = pid;
	child->fd = fds[0];
	note_start(child);
	reply = receive(child, 0);
	if (!child_ok(reply)) {
		const char *text =
		    json_string_value(json_object_get(reply, "message"));

		err = sn_why(why, SN_EIO, "%s did not start: %s", child->name,
		    text != NULL ? text : "see its lines above");
	}
	json_decref(reply);
	return (err);
}

void child_gone(struct child *child)
{
	(void)close(child->fd);
	child->pid = 0;
}
