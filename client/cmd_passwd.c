#include "client/cmd.h"

#include <stdio.h>

#include "client/app.h"
#include "lib/passphrase.h"

static enum sn_err change(struct app *app, const struct sn_secret *old)
{
	const char *fd = sn_cli_value(app->cli, "new-password-fd");
	struct sn_secret fresh = { 0, NULL };
	struct core_event ev;
	enum sn_err err;
	uint32_t ref;

	if ((err = app_read_fresh(app, fd, &fresh)) != SN_OK)
		return (err);
	/* Typing may have taken longer than a login may. */
	if ((err = core_password(app->core,
		 (struct sn_bytes){ old->data, old->len })) == SN_OK &&
	    (err = app_login(app)) == SN_OK &&
	    (err = core_change(app->core,
		 (struct sn_bytes){ old->data, old->len },
		 (struct sn_bytes){ fresh.data, fresh.len }, &ref)) == SN_OK)
		err = app_await(app, ref, &ev);
	sn_secret_free(&fresh);
	if (err == SN_OK)
		app_say("the password is changed%s%s",
		    app->profile.password_file[0] != '\0'
			? "; put the new one into "
			: "",
		    app->profile.password_file);
	return (err);
}

static enum sn_err read_old(struct app *app, struct sn_secret *out)
{
	const char *file = app->profile.password_file;
	struct sn_passphrase source = {
		.what = "password you have now",
		.fd = sn_cli_value(app->cli, "password-fd"),
		.file = file[0] != '\0' ? file : NULL,
		.hint = "--password-fd N, or password_file in the profile",
	};

	return (sn_passphrase_read(&source, out, &app->why));
}

int cmd_passwd(struct sn_cli *cli)
{
	struct sn_secret old = { 0, NULL };
	struct app app;
	enum sn_err err;

	if ((err = app_open(&app, cli, false, 0)) == SN_OK &&
	    (err = read_old(&app, &old)) == SN_OK)
		err = change(&app, &old);
	sn_secret_free(&old);
	return (app_close(&app, err));
}
