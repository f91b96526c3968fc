#include "client/app.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "client/code.h"
#include "client/expiry.h"
#include "client/identity.h"
#include "client/safe.h"
#include "lib/clock.h"
#include "lib/name.h"
#include "lib/passphrase.h"

#define WRONG_MOST 3

void app_say(const char *format, ...)
{
	va_list ap;

	(void)fflush(stdout);
	(void)fputs("sicher: ", stderr);
	va_start(ap, format);
	(void)vfprintf(stderr, format, ap);
	va_end(ap);
	(void)putc('\n', stderr);
}

/* What is wrong with the files of the profile is the profile's fault. */
static enum sn_err profile_wrong(struct app *app, enum sn_err err)
{
	if (err == SN_EINVAL || err == SN_ECERT || err == SN_ETOOBIG)
		app->status = EX_CONFIG;
	return (err);
}

enum sn_err app_open(
    struct app *app, struct sn_cli *cli, bool reconnect, uint64_t features)
{
	struct core_config config = {
		.reconnect = reconnect,
		.features = features,
	};
	enum sn_err err;

	memset(app, 0, sizeof(*app));
	app->cli = cli;
	err = profile_read(
	    sn_cli_value(cli, "profile"), &app->profile, &app->why);
	if (err != SN_OK)
		return (SN_ECONF);
	app->have_profile = true;
	if ((err = profile_state(&app->profile, &app->why)) != SN_OK)
		return (err);
	err = identity_open(&app->profile,
	    sn_cli_value(cli, "key-passphrase-fd"), &app->tls, &app->why);
	if (err != SN_OK)
		return (profile_wrong(app, err));
	config.host = app->profile.host;
	config.port = app->profile.port;
	config.tls = app->tls;
	config.state_dir = app->profile.state;
	return (core_new(&config, &app->core));
}

static bool asks_person(const struct app *app)
{
	return (sn_cli_value(app->cli, "password-fd") == NULL &&
		app->profile.password_file[0] == '\0');
}

static enum sn_err read_password(struct app *app, struct sn_secret *out)
{
	const char *fd = sn_cli_value(app->cli, "password-fd");
	char what[128];
	struct sn_passphrase source = {
		.what = what,
		.fd = fd,
		.file = app->profile.password_file[0] != '\0'
			    ? app->profile.password_file
			    : NULL,
		.hint = "--password-fd N, or password_file in the profile",
	};
	enum sn_err err;

	(void)snprintf(what, sizeof(what), "password of %s",
	    core_welcome(app->core)->account);
	if (fd == NULL)
		return (sn_passphrase_read(&source, out, &app->why));
	if (app->password.data == NULL &&
	    (err = sn_passphrase_read(&source, &app->password, &app->why)) !=
		SN_OK)
		return (err);
	return (sn_secret_copy(app->password.data, app->password.len, out));
}

/* A secret from a person or file goes to the core. */
static enum sn_err pass_on(struct app *app, struct sn_secret *s,
    enum sn_err (*to)(struct core *, struct sn_bytes))
{
	enum sn_err err = to(app->core, (struct sn_bytes){ s->data, s->len });

	sn_secret_free(s);
	if (err != SN_OK)
		return (sn_why(&app->why, err, "out of memory"));
	return (SN_OK);
}

static enum sn_err give_up(struct app *app, const struct core_event *ev)
{
	const char *file = app->profile.password_file;

	if (sn_cli_value(app->cli, "password-fd") != NULL || file[0] == '\0')
		app->why = ev->why;
	else
		(void)sn_why(&app->why, ev->err, "%.200s (this one is from %s)",
		    ev->why.text, file);
	return (ev->err);
}

static enum sn_err on_password(struct app *app, const struct core_event *ev)
{
	struct sn_secret s = { 0, NULL };
	enum sn_err err;

	if (ev->again) {
		app->wrong++;
		if (!asks_person(app) || app->wrong >= WRONG_MOST)
			return (give_up(app, ev));
		app_say("%s", ev->why.text);
	}
	if ((err = read_password(app, &s)) != SN_OK)
		return (err);
	return (pass_on(app, &s, core_password));
}

enum sn_err app_read_fresh(
    struct app *app, const char *fd, struct sn_secret *out)
{
	struct sn_passphrase source = {
		.what = "password",
		.fd = fd,
		.hint = "--new-password-fd N",
		.is_new = true,
	};

	return (sn_passphrase_read(&source, out, &app->why));
}

static enum sn_err on_choose(struct app *app, const struct core_event *ev)
{
	const char *fd = sn_cli_value(app->cli, "new-password-fd");
	struct sn_secret s = { 0, NULL };
	enum sn_err err;

	if (ev->again && fd != NULL) {
		app->why = ev->why;
		return (ev->err);
	}
	if (ev->again)
		app_say("%s", ev->why.text);
	else if (fd == NULL)
		app_say("that was a one-time secret: choose a password of "
			"your own now, of 8 or more characters");
	if ((err = app_read_fresh(app, fd, &s)) != SN_OK)
		return (err);
	if (app->profile.password_file[0] != '\0')
		app_say("remember to put the new password into %s",
		    app->profile.password_file);
	return (pass_on(app, &s, core_choose));
}

enum sn_err app_answer(struct app *app, const struct core_event *ev)
{
	return (ev->type == CORE_PASSWORD ? on_password(app, ev)
					  : on_choose(app, ev));
}

static void on_notice(const struct core_event *ev)
{
	char text[1024];

	app_say("the server says: %s",
	    safe_line(ev->notice.text, text, sizeof(text)));
}

void app_over(struct app *app, struct core_event *ev, enum sn_err err)
{
	if (ev->type == CORE_OVER)
		app->why = ev->why;
	memcpy(app->code, ev->code, sizeof(app->code));
	ev->type = CORE_OVER;
	ev->err = err;
	app->over = true;
}

/* What no command looks at; true when it is done with. */
static bool usual(struct app *app, struct core_event *ev)
{
	enum sn_err err = SN_OK;

	switch (ev->type) {
	case CORE_PASSWORD:
	case CORE_CHOOSE:
		err = app_answer(app, ev);
		break;
	case CORE_WAIT:
		if (ev->retry_ms > 1500)
			app_say("the server is busy and will be asked again "
				"in %d seconds",
			    (int)(ev->retry_ms / 1000));
		break;
	case CORE_NOTICE:
		on_notice(ev);
		break;
	case CORE_LOST:
		app_say("%s; trying again", ev->why.text);
		return (false);
	case CORE_READY:
		expiry_warn(
		    app->profile.state, core_welcome(app->core)->not_after);
		return (false);
	case CORE_OVER:
		app_over(app, ev, ev->err);
		return (false);
	default:
		return (false);
	}
	if (err != SN_OK)
		app_over(app, ev, err);
	return (err == SN_OK);
}

bool app_try(struct app *app, struct core_event *ev)
{
	while (!app->over && core_next(app->core, ev)) {
		if (!usual(app, ev))
			return (true);
	}
	return (false);
}

void app_poll(struct app *app, struct pollfd *others, size_t n, uint64_t until)
{
	struct pollfd all[1 + APP_POLL] = { { .fd = -1 } };
	int ms = core_poll(app->core, &all[0]);
	uint64_t now = sn_clock_mono();

	for (size_t i = 0; i < n; i++) {
		others[i].revents = 0;
		all[1 + i] = others[i];
	}
	if (until <= now)
		return;
	until = (until - now) / SN_NS_PER_MS + 1;
	if (ms < 0 || until < (uint64_t)ms)
		ms = until > INT_MAX ? INT_MAX : (int)until;
	if (poll(all, 1 + n, ms) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		others[i].revents = all[1 + i].revents;
}

bool app_wait(struct app *app, int fd, uint64_t until)
{
	struct pollfd other = { fd, POLLIN, 0 };

	app_poll(app, &other, 1, until);
	return (other.revents != 0);
}

enum sn_err app_login(struct app *app)
{
	struct core_event ev;

	core_start(app->core);
	for (;;) {
		while (app_try(app, &ev)) {
			if (ev.type == CORE_READY)
				return (SN_OK);
			if (ev.type == CORE_OVER)
				return (ev.err);
		}
		(void)app_wait(app, -1, UINT64_MAX);
	}
}

enum sn_err app_await(struct app *app, uint32_t ref, struct core_event *ev)
{
	for (;;) {
		while (app_try(app, ev)) {
			if (ev->type == CORE_OVER)
				return (ev->err);
			if (ev->ref != ref ||
			    (ref == 0 && ev->type != CORE_SYNCED &&
				ev->type != CORE_REFUSED))
				continue;
			if (ev->type != CORE_REFUSED)
				return (SN_OK);
			app->why = ev->why;
			memcpy(app->code, ev->code, sizeof(app->code));
			return (ev->err);
		}
		(void)app_wait(app, -1, UINT64_MAX);
	}
}

enum sn_err app_sync(struct app *app, const char *usual_name, bool takeover)
{
	const char *consumer = sn_cli_value(app->cli, "consumer");
	struct core_event ev;
	enum sn_err err;

	if (consumer == NULL)
		consumer = usual_name;
	if (!sn_name_consumer(sn_bytes_of(consumer)))
		return (sn_why(&app->why, SN_EINVAL,
		    "\"%.40s\" is no name for --consumer: 1 to 32 of a-z 0-9 "
		    ". _ - and a letter or digit first",
		    consumer));
	core_sync(app->core, consumer, takeover);
	err = app_await(app, 0, &ev);
	if (err == SN_OK && ev.again)
		app_say("%s", ev.why.text);
	return (err);
}

enum sn_err app_target(struct app *app, const char *name)
{
	struct sn_bytes b = sn_bytes_of(name);
	char shown[256];

	if (sn_name_account(b) || sn_name_room(b))
		return (SN_OK);
	return (sn_why(&app->why, SN_EINVAL,
	    "\"%s\" names neither a person (like bob) nor a room (like "
	    "'#ops', in quotes)",
	    safe_line(b, shown, sizeof(shown))));
}

static void say_goodbye(struct app *app)
{
	struct core_event ev;

	core_bye(app->core);
	while (!app->over) {
		while (core_next(app->core, &ev))
			app->over = app->over || ev.type == CORE_OVER;
		if (!app->over)
			(void)app_wait(app, -1, UINT64_MAX);
	}
}

int app_close(struct app *app, enum sn_err err)
{
	int status = code_status(err == SN_OK ? "" : app->code, err);

	if (err != SN_OK && app->status != 0)
		status = app->status;
	if (err != SN_OK)
		app_say("%s", app->why.text[0] != '\0' ? app->why.text
						       : sn_err_text(err));
	if (app->core != NULL && !app->over)
		say_goodbye(app);
	core_free(app->core);
	sn_tls_context_free(app->tls);
	sn_secret_free(&app->password);
	if (app->have_profile)
		profile_free(&app->profile);
	return (status);
}
