#include "client/cmd.h"

#include <stdio.h>

#include "client/app.h"
#include "client/show.h"
#include "lib/clock.h"

static void show(const struct app *app, bool json)
{
	const struct core_welcome *w = core_welcome(app->core);
	char until[SN_CLOCK_TEXT];
	json_t *o;

	(void)sn_clock_rfc3339((int64_t)(w->not_after / SN_MS_PER_S), until);
	if (!json) {
		(void)printf("%s, device %s, on %s (%s:%s); certificate valid "
			     "until %s\n",
		    w->account, w->device[0] != '\0' ? w->device : "-",
		    w->server, app->profile.host, app->profile.port, until);
		return;
	}
	o = json_object();
	(void)json_object_set_new(o, "account", json_string(w->account));
	(void)json_object_set_new(o, "device", json_string(w->device));
	(void)json_object_set_new(o, "server", json_string(w->server));
	(void)json_object_set_new(o, "host", json_string(app->profile.host));
	(void)json_object_set_new(o, "port", json_string(app->profile.port));
	(void)json_object_set_new(o, "not_after", json_string(until));
	(void)json_object_set_new(o, "profile", json_string(app->profile.path));
	show_line(o, stdout);
}

int cmd_whoami(struct sn_cli *cli)
{
	struct app app;
	enum sn_err err;

	if ((err = app_open(&app, cli, false, 0)) == SN_OK &&
	    (err = app_login(&app)) == SN_OK)
		show(&app, sn_cli_has(cli, "json"));
	return (app_close(&app, err));
}
