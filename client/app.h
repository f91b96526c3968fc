#ifndef SN_CLIENT_APP_H
#define SN_CLIENT_APP_H

#include <stdbool.h>
#include <stdint.h>

#include "client/core.h"
#include "client/profile.h"
#include "lib/cli.h"
#include "lib/secret.h"

/*
 * What the commands share: from the command line to a session that is
 * logged in, with the person asked for what is missing, and from an error to
 * a sentence and an exit status.
 */
struct app {
	struct sn_cli *cli;
	struct profile profile;
	bool have_profile;
	struct core *core;
	struct sn_tls_context *tls;
	struct sn_secret password; /* Read from a descriptor: once only. */
	unsigned wrong;            /* Passwords refused. */
	bool over;                 /* CORE_OVER came. */
	char code[33];             /* With which code. */
	int status; /* Instead of the usual one of the error; 0: that. */
	struct sn_why why;
};

/**
 * app_open(app, cli, reconnect, features):
 * Read the profile and make a core of it; the last two are as in core_config.
 * On an error app_fail is next.
 */
enum sn_err app_open(struct app *app, struct sn_cli *cli, bool reconnect,
    uint64_t features) SN_MUST_USE;

/** app_login(app): connect, and wait until logged in. */
enum sn_err app_login(struct app *app) SN_MUST_USE;

/**
 * app_try(app, ev):
 * The next event without waiting, false when there is none.  Asks for
 * passwords, tells of losses and notices on standard error.  CORE_OVER is an
 * event as well: app->why is filled in.
 */
bool app_try(struct app *app, struct core_event *ev);

/**
 * app_wait(app, fd, until):
 * Wait until something may have happened, ${fd} (or -1) is readable, or the
 * time ${until} of sn_clock_mono() has come; true when ${fd} is.
 */
bool app_wait(struct app *app, int fd, uint64_t until);

/**
 * app_poll(app, others, n, until):
 * The same for ${n} <= APP_POLL descriptors: fills in their revents.
 */
void app_poll(struct app *app, struct pollfd *others, size_t n, uint64_t until);
#define APP_POLL 2

/**
 * app_answer(app, ev):
 * What app_try does about CORE_PASSWORD and CORE_CHOOSE, for who uses
 * core_next instead: ask the person, or read it from where it is.
 * app_over(app, ev, err): about an end by ${err}: becomes CORE_OVER.
 */
enum sn_err app_answer(
    struct app *app, const struct core_event *ev) SN_MUST_USE;
void app_over(struct app *app, struct core_event *ev, enum sn_err err);

/**
 * app_await(app, ref, ev):
 * Wait for an event with ${ref}; CORE_REFUSED is an error with app->why.
 */
enum sn_err app_await(
    struct app *app, uint32_t ref, struct core_event *ev) SN_MUST_USE;

/** app_read_fresh(app, fd, out): a new password, from ${fd} or typed twice. */
enum sn_err app_read_fresh(
    struct app *app, const char *fd, struct sn_secret *out) SN_MUST_USE;

/** app_close(app, err): say goodbye where there is somebody, tell the error
 * on standard error, free; the exit status. */
int app_close(struct app *app, enum sn_err err);

/** app_sync(app, takeover): begin delivery under --consumer or ${usual}. */
enum sn_err app_sync(
    struct app *app, const char *usual, bool takeover) SN_MUST_USE;

/** app_target(app, name): SN_EINVAL when it names no account and no room. */
enum sn_err app_target(struct app *app, const char *name) SN_MUST_USE;

/** app_say(format, ...): a line on standard error, "sicher: ...". */
void app_say(const char *format, ...) SN_PRINTF(1, 2);

#endif
