#include "client/cmd.h"

#include <string.h>

#include "client/app.h"

/* A signal is answered only by a refusal: that there was none is known once a
 * later request is answered, by DONE. */
static enum sn_err give(struct app *app, const char *kind)
{
	uint32_t ref = core_signal(app->core, sn_cli_arg(app->cli, 0), kind);
	uint32_t later = core_away(app->core, true);
	struct core_event ev;

	for (;;) {
		while (app_try(app, &ev)) {
			if (ev.type == CORE_OVER)
				return (ev.err);
			if (ev.type == CORE_DONE && ev.ref == later)
				return (SN_OK);
			if (ev.type != CORE_REFUSED || ev.ref != ref)
				continue;
			app->why = ev.why;
			memcpy(app->code, ev.code, sizeof(app->code));
			return (ev.err);
		}
		(void)app_wait(app, -1, UINT64_MAX);
	}
}

int cmd_signal(struct sn_cli *cli)
{
	const char *kind = sn_cli_arg(cli, 1);
	struct app app;
	enum sn_err err;

	if (kind == NULL)
		kind = "typing";
	if ((err = app_open(&app, cli, false, 0)) == SN_OK &&
	    (err = app_target(&app, sn_cli_arg(cli, 0))) == SN_OK) {
		if (kind[0] == '\0' || strlen(kind) > 32)
			err = sn_why(&app.why, SN_EINVAL,
			    "the kind of a signal has 1 to 32 bytes, such as "
			    "typing");
		else if ((err = app_login(&app)) == SN_OK)
			err = give(&app, kind);
	}
	return (app_close(&app, err));
}
