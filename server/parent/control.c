#include "server/parent/control.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/file.h"
#include "lib/log.h"
#include "lib/secret.h"
#include "server/parent/command.h"

#define REQUEST_MAX (256U * 1024)
#define REPLY_MAX (1024U * 1024)
#define IDLE_NS (60 * SN_NS_PER_S)

struct client {
	int fd; /* -1: free. */
	uid_t uid;
	struct sn_buf in, out;
	uint64_t heard;
};

struct control {
	struct parent *parent;
	int fd;
	char path[108];
	struct client clients[CONTROL_CLIENTS];
};

static void drop(struct client *c)
{
	(void)close(c->fd);
	c->fd = -1;
	if (c->in.data != NULL)
		sn_secret_wipe(c->in.data, c->in.cap);
	sn_buf_free(&c->in);
	if (c->out.data != NULL)
		sn_secret_wipe(c->out.data, c->out.cap);
	sn_buf_free(&c->out);
}

/* The lock of the data tells one server from itself, not from another with
 * the same path here, whose socket is not ours to take away. */
static bool answers(const struct sockaddr_un *at)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool there;

	if (fd < 0)
		return (false);
	/* EAGAIN: more wait for it already than may. */
	there = connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0 ||
		errno == EAGAIN;
	(void)close(fd);
	return (there);
}

/* With administrators of other uids the socket is reached by everybody, and
 * asks who they are: accept_client. */
static enum sn_err listen_at(
    const char *path, bool admins, int *out, struct sn_why *why)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	mode_t before;
	int fd, failed;

	if (strlen(path) >= sizeof(at.sun_path))
		return (sn_why(why, SN_EINVAL,
		    "control: the path is longer than a socket's may be: %s",
		    path));
	memcpy(at.sun_path, path, strlen(path));
	if (answers(&at))
		return (sn_why(why, SN_EINUSE,
		    "another sicherd answers at %s; stop it, or put another "
		    "path into control",
		    path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return (sn_why_errno(why, SN_EIO, "cannot open a socket"));
	/* One that was killed left it. */
	(void)unlink(path);
	before = umask(admins ? 0111 : 0177);
	failed = bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
		 listen(fd, CONTROL_CLIENTS) != 0;
	(void)umask(before);
	if (failed) {
		(void)close(fd);
		return (sn_why_errno(
		    why, SN_EIO, "cannot make the control socket %s", path));
	}
	*out = fd;
	return (SN_OK);
}

enum sn_err control_open(
    struct parent *parent, struct control **out, struct sn_why *why)
{
	const char *path = parent->input.settings->control;
	bool admins = parent->input.settings->admins.count > 0;
	char copy[PATH_MAX];
	struct control *c;
	const char *folder;
	enum sn_err err;

	(void)snprintf(copy, sizeof(copy), "%s", path);
	folder = dirname(copy);
	if ((err = sn_file_mkdir(folder, admins ? 0711 : 0700, why)) != SN_OK)
		return (err);
	err = admins ? sn_file_unshared(folder, why)
		     : sn_file_private(folder, why);
	if (err != SN_OK)
		return (err);
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return (sn_why(why, SN_ENOMEM, "no memory to start"));
	for (unsigned i = 0; i < CONTROL_CLIENTS; i++)
		c->clients[i].fd = -1;
	c->parent = parent;
	(void)snprintf(c->path, sizeof(c->path), "%s", path);
	if ((err = listen_at(path, admins, &c->fd, why)) != SN_OK) {
		free(c);
		return (err);
	}
	*out = c;
	return (SN_OK);
}

void control_close(struct control *c)
{
	if (c == NULL)
		return;
	for (unsigned i = 0; i < CONTROL_CLIENTS; i++) {
		if (c->clients[i].fd >= 0)
			drop(&c->clients[i]);
	}
	(void)close(c->fd);
	(void)unlink(c->path);
	free(c);
}

unsigned control_poll(struct control *c, struct pollfd *fds)
{
	unsigned n = 0;

	fds[n++] = (struct pollfd){ .fd = c->fd, .events = POLLIN };
	for (unsigned i = 0; i < CONTROL_CLIENTS; i++) {
		struct client *k = &c->clients[i];

		if (k->fd < 0)
			continue;
		fds[n++] = (struct pollfd){ .fd = k->fd,
			.events = k->out.len > 0 ? POLLOUT : POLLIN };
	}
	return (n);
}

int control_timeout(const struct control *c)
{
	for (unsigned i = 0; i < CONTROL_CLIENTS; i++) {
		if (c->clients[i].fd >= 0)
			return (1000);
	}
	return (-1);
}

static bool is_admin(const struct settings *s, uid_t uid)
{
	if (uid == 0 || uid == geteuid())
		return (true);
	for (size_t i = 0; i < s->admins.count; i++) {
		if (strtoul(s->admins.items[i], NULL, 10) == uid)
			return (true);
	}
	return (false);
}

static void refuse(int fd, uid_t uid, const char *why)
{
	static const char reply[] =
	    "{\"ok\":false,\"error\":\"denied\",\"message\":\"this user may "
	    "not control the server; see admins in sicherd.conf(5)\"}\n";

	sn_log(SN_WARN, "control.refused", "uid=%u why=\"%s\"", (unsigned)uid,
	    why);
	(void)send(fd, reply, sizeof(reply) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)close(fd);
}

static void accept_client(struct control *c)
{
	struct ucred who = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(who);
	int fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0 ||
	    !is_admin(c->parent->input.settings, who.uid)) {
		refuse(fd, who.uid, "not an administrator");
		return;
	}
	for (unsigned i = 0; i < CONTROL_CLIENTS; i++) {
		struct client *k = &c->clients[i];

		if (k->fd >= 0)
			continue;
		*k = (struct client){
			.fd = fd, .uid = who.uid, .heard = sn_clock_mono()
		};
		sn_buf_init(&k->in, REQUEST_MAX);
		sn_buf_init(&k->out, REPLY_MAX);
		return;
	}
	refuse(fd, who.uid, "too many control connections");
}

static void answer(struct control *c, struct client *k, size_t n)
{
	json_error_t error;
	json_t *request =
	    json_loadb((const char *)sn_buf_head(&k->in), n, 0, &error);
	json_t *reply;
	char *text;

	if (json_is_object(request)) {
		const char *cmd =
		    json_string_value(json_object_get(request, "cmd"));
		const char *account =
		    json_string_value(json_object_get(request, "account"));
		char name[128];

		reply = command_run(c->parent, request);
		sn_log(SN_INFO, "control.command",
		    "uid=%u cmd=%.40s account=%s ok=%d", (unsigned)k->uid,
		    cmd != NULL ? cmd : "-",
		    sn_log_quote(name, sizeof(name),
			account != NULL ? account : "",
			account != NULL ? strlen(account) : 0),
		    child_ok(reply));
	} else {
		reply = json_pack("{s:b, s:s, s:s}", "ok", 0, "error", "usage",
		    "message", "a request is one JSON object a line");
	}
	text = json_dumps(reply, JSON_COMPACT);
	if (text == NULL ||
	    sn_buf_append(&k->out, text, strlen(text)) != SN_OK ||
	    sn_buf_append(&k->out, "\n", 1) != SN_OK)
		drop(k);
	if (text != NULL)
		sn_secret_wipe(text, strlen(text));
	free(text);
	json_decref(reply);
	json_decref(request);
}

static void read_client(struct control *c, struct client *k)
{
	uint8_t *to, *newline;
	ssize_t n;

	if (sn_buf_reserve(&k->in, 4096, &to) != SN_OK) {
		drop(k);
		return;
	}
	n = recv(k->fd, to, 4096, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop(k);
		return;
	}
	sn_buf_commit(&k->in, (size_t)n);
	k->heard = sn_clock_mono();
	newline = memchr(sn_buf_head(&k->in), '\n', k->in.len);
	if (newline == NULL)
		return;
	n = newline - sn_buf_head(&k->in);
	answer(c, k, (size_t)n);
	if (k->fd >= 0)
		sn_buf_consume(&k->in, (size_t)n + 1);
}

static void write_client(struct client *k)
{
	ssize_t n = send(k->fd, sn_buf_head(&k->out), k->out.len, MSG_NOSIGNAL);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		drop(k);
		return;
	}
	k->heard = sn_clock_mono();
	sn_buf_consume(&k->out, (size_t)n);
}

void control_work(struct control *c, const struct pollfd *fds, unsigned n)
{
	uint64_t now;

	for (unsigned j = 1; j < n; j++) {
		for (unsigned i = 0; i < CONTROL_CLIENTS; i++) {
			struct client *k = &c->clients[i];

			if (k->fd != fds[j].fd || fds[j].revents == 0)
				continue;
			if (k->out.len > 0)
				write_client(k);
			else
				read_client(c, k);
		}
	}
	now = sn_clock_mono();
	for (unsigned i = 0; i < CONTROL_CLIENTS; i++) {
		if (c->clients[i].fd >= 0 &&
		    now - c->clients[i].heard > IDLE_NS)
			drop(&c->clients[i]);
	}
	if (fds[0].revents != 0)
		accept_client(c);
}
