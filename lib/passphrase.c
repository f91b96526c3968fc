#include "lib/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "lib/file.h"

/* Takes the newline off and refuses what cannot be meant. */
static size_t characters(const struct sn_secret *s)
{
	size_t count = 0;

	/* Not the bytes that follow on in UTF-8. */
	for (size_t i = 0; i < s->len; i++)
		count += ((unsigned char)s->data[i] & 0xc0) != 0x80;
	return (count);
}

static enum sn_err settle(
    const struct sn_passphrase *source, struct sn_secret *s, struct sn_why *why)
{
	if (s->len > 0 && s->data[s->len - 1] == '\n') {
		/* The mapping was made for the longer one; free it as such. */
		struct sn_secret shorter;
		enum sn_err err = sn_secret_copy(s->data, s->len - 1, &shorter);

		if (err != SN_OK)
			return (sn_why(why, err, "out of memory"));
		sn_secret_free(s);
		*s = shorter;
	}
	if (s->len > SN_PASSPHRASE_MAX)
		return (
		    sn_why(why, SN_EINVAL, "the %s is too long", source->what));
	if (s->len == 0)
		return (
		    sn_why(why, SN_EINVAL, "the %s is empty", source->what));
	if (source->is_new && characters(s) < source->least)
		return (sn_why(why, SN_EINVAL,
		    "the %s is too short: take %zu characters or more, four "
		    "words for instance",
		    source->what, source->least));
	return (SN_OK);
}

static enum sn_err from_fd(const struct sn_passphrase *source,
    struct sn_secret *out, struct sn_why *why)
{
	char *end, name[32];
	long fd;

	errno = 0;
	fd = strtol(source->fd, &end, 10);
	if (errno != 0 || *end != '\0' || end == source->fd || fd < 0 ||
	    fd > INT_MAX || fcntl((int)fd, F_GETFD) < 0)
		return (sn_why(why, SN_EINVAL,
		    "\"%s\" is not the number of an open descriptor to read "
		    "the %s from",
		    source->fd, source->what));
	(void)snprintf(name, sizeof(name), "descriptor %ld", fd);
	return (sn_file_read_secret_fd(
	    (int)fd, name, SN_PASSPHRASE_MAX + 1, out, why));
}

/* *${path} is malloc'd, or NULL when the manager passed no such thing. */
static enum sn_err credential_path(
    const struct sn_passphrase *source, char **path, struct sn_why *why)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");

	*path = NULL;
	if (source->credential == NULL || dir == NULL)
		return (SN_OK);
	if (asprintf(path, "%s/%s", dir, source->credential) < 0) {
		*path = NULL;
		return (sn_why(why, SN_ENOMEM, "out of memory"));
	}
	if (access(*path, F_OK) != 0) {
		free(*path);
		*path = NULL;
	}
	return (SN_OK);
}

/* The terminal, while its echo is off. */
struct terminal {
	int fd;
	int signals;
	struct termios before;
	sigset_t mask;
};

static void fatal_signals(sigset_t *set)
{
	static const int all[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };

	sigemptyset(set);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		sigaddset(set, all[i]);
}

static enum sn_err terminal_open(
    const struct sn_passphrase *source, struct terminal *t, struct sn_why *why)
{
	sigset_t set;

	t->fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (t->fd < 0 || tcgetattr(t->fd, &t->before) != 0) {
		if (t->fd >= 0)
			(void)close(t->fd);
		return (sn_why(why, SN_EAUTH,
		    "there is no terminal to ask for the %s; give it by %s",
		    source->what, source->hint));
	}
	/* Held back until the terminal is as it was, then delivered. */
	fatal_signals(&set);
	if (pthread_sigmask(SIG_BLOCK, &set, &t->mask) != 0 ||
	    (t->signals = signalfd(-1, &set, SFD_CLOEXEC)) < 0) {
		(void)pthread_sigmask(SIG_SETMASK, &t->mask, NULL);
		(void)close(t->fd);
		return (sn_why_errno(why, SN_EIO, "cannot hold signals"));
	}
	return (SN_OK);
}

static void terminal_quiet(const struct terminal *t)
{
	struct termios quiet = t->before;

	quiet.c_lflag &= ~(tcflag_t)ECHO;
	quiet.c_lflag |= ECHONL | ICANON | ISIG;
	(void)tcsetattr(t->fd, TCSAFLUSH, &quiet);
}

static void terminal_restore(const struct terminal *t)
{
	(void)tcsetattr(t->fd, TCSAFLUSH, &t->before);
}

static void terminal_close(struct terminal *t)
{
	terminal_restore(t);
	(void)close(t->signals);
	(void)pthread_sigmask(SIG_SETMASK, &t->mask, NULL);
	(void)close(t->fd);
}

static void say(const struct terminal *t, const char *a, const char *b)
{
	char line[256];
	int n = snprintf(line, sizeof(line), "%s%s: ", a, b);

	if (line[0] >= 'a' && line[0] <= 'z')
		line[0] = (char)(line[0] - 'a' + 'A');
	if (n > 0 && write(t->fd, line, strnlen(line, sizeof(line))) < 0)
		return;
}

/* Lets a signal act now, with the terminal as the user had it. */
static void deliver(struct terminal *t)
{
	struct signalfd_siginfo info;
	sigset_t set;

	if (read(t->signals, &info, sizeof(info)) != sizeof(info))
		return;
	terminal_restore(t);
	sigemptyset(&set);
	sigaddset(&set, (int)info.ssi_signo);
	(void)raise((int)info.ssi_signo);
	(void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	/* Still here: it was ignored, handled, or a stop that has ended. */
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* Reads one line; *${again} when a signal came between. */
static enum sn_err line_from(struct terminal *t, struct sn_secret *room,
    size_t *n, bool *again, struct sn_why *why)
{
	struct pollfd fds[2] = { { t->fd, POLLIN, 0 },
		{ t->signals, POLLIN, 0 } };
	ssize_t got;

	*again = false;
	while (poll(fds, 2, -1) < 0)
		if (errno != EINTR)
			return (sn_why_errno(why, SN_EIO, "cannot wait"));
	if (fds[1].revents != 0) {
		deliver(t);
		*again = true;
		return (SN_OK);
	}
	/* A terminal in line mode gives a whole line or what fits of it. */
	got = read(t->fd, room->data, room->len);
	if (got < 0)
		return (
		    sn_why_errno(why, SN_EIO, "cannot read from the terminal"));
	*n = (size_t)got;
	return (SN_OK);
}

static enum sn_err ask(const struct sn_passphrase *source, struct terminal *t,
    const char *before, struct sn_secret *out, struct sn_why *why)
{
	struct sn_secret room;
	enum sn_err err;
	bool again;
	size_t n = 0;

	if ((err = sn_secret_new(SN_PASSPHRASE_MAX + 1, &room)) != SN_OK)
		return (sn_why(why, err, "out of memory"));
	do {
		terminal_quiet(t);
		say(t, before, source->what);
		err = line_from(t, &room, &n, &again, why);
	} while (err == SN_OK && again);
	if (err == SN_OK && (err = sn_secret_copy(room.data, n, out)) != SN_OK)
		(void)sn_why(why, err, "out of memory");
	sn_secret_free(&room);
	if (err == SN_OK && (err = settle(source, out, why)) != SN_OK)
		sn_secret_free(out);
	return (err);
}

static enum sn_err from_terminal(const struct sn_passphrase *source,
    struct sn_secret *out, struct sn_why *why)
{
	struct sn_secret second = { 0, NULL };
	struct terminal t;
	enum sn_err err;

	if ((err = terminal_open(source, &t, why)) != SN_OK)
		return (err);
	err = ask(source, &t, source->is_new ? "New " : "", out, why);
	if (err == SN_OK && source->is_new) {
		err = ask(source, &t, "Repeat the ", &second, why);
		if (err == SN_OK &&
		    (second.len != out->len ||
			!sn_secret_equal(second.data, out->data, out->len)))
			err = sn_why(why, SN_EINVAL, "the two entries differ");
		sn_secret_free(&second);
		if (err != SN_OK)
			sn_secret_free(out);
	}
	terminal_close(&t);
	return (err);
}

enum sn_err sn_passphrase_read(const struct sn_passphrase *source,
    struct sn_secret *out, struct sn_why *why)
{
	char *credential = NULL;
	enum sn_err err;

	if (source->fd != NULL) {
		err = from_fd(source, out, why);
	} else if (source->file != NULL) {
		err = sn_file_read_secret(
		    source->file, SN_PASSPHRASE_MAX + 1, out, why);
	} else {
		if ((err = credential_path(source, &credential, why)) != SN_OK)
			return (err);
		if (credential == NULL)
			return (from_terminal(source, out, why));
		err = sn_file_read_secret(
		    credential, SN_PASSPHRASE_MAX + 1, out, why);
		free(credential);
	}
	if (err == SN_OK && (err = settle(source, out, why)) != SN_OK)
		sn_secret_free(out);
	return (err);
}
