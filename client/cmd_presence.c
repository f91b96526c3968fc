#include "client/cmd.h"

#include <stdio.h>

#include "client/app.h"
#include "client/safe.h"
#include "client/show.h"
#include "lib/clock.h"

static void show(const struct sn_frame_presence *p, bool json)
{
	char who[512], state[64], seen[SN_CLOCK_TEXT];
	json_t *o;

	(void)sn_clock_rfc3339((int64_t)(p->seen.value / SN_MS_PER_S), seen);
	if (!json) {
		(void)printf("%s: %s%s%s\n",
		    safe_line(p->account, who, sizeof(who)),
		    safe_line(p->state, state, sizeof(state)),
		    p->seen.set ? ", last seen " : "", p->seen.set ? seen : "");
		return;
	}
	o = json_object();
	(void)json_object_set_new(o, "account", show_string(p->account));
	(void)json_object_set_new(o, "state", show_string(p->state));
	(void)json_object_set_new(
	    o, "seen", p->seen.set ? json_string(seen) : json_null());
	show_line(o, stdout);
}

static enum sn_err ask(struct app *app)
{
	uint32_t ref = core_presence(app->core, sn_cli_arg(app->cli, 0));
	struct core_event ev;
	enum sn_err err;

	while ((err = app_await(app, ref, &ev)) == SN_OK &&
	       ev.type == CORE_PRESENCE)
		show(&ev.presence, sn_cli_has(app->cli, "json"));
	if (err == SN_ENOTFOUND)
		(void)sn_why(&app->why, err,
		    "there is no %s that you may know of: you have to share a "
		    "room or a conversation",
		    sn_cli_arg(app->cli, 0));
	return (err);
}

int cmd_presence(struct sn_cli *cli)
{
	struct app app;
	enum sn_err err;

	if ((err = app_open(&app, cli, false, 0)) == SN_OK &&
	    (err = app_target(&app, sn_cli_arg(cli, 0))) == SN_OK &&
	    (err = app_login(&app)) == SN_OK)
		err = ask(&app);
	return (app_close(&app, err));
}
