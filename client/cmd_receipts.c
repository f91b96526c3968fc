#include "client/cmd.h"

#include <inttypes.h>
#include <stdio.h>

#include "client/app.h"
#include "client/safe.h"
#include "client/show.h"

static void show(const struct sn_frame_receipt *r, bool json)
{
	char who[512], kind[64];
	json_t *o;

	if (!json) {
		(void)printf("%s: %s up to %" PRIu64 "\n",
		    safe_line(r->account, who, sizeof(who)),
		    safe_line(r->kind, kind, sizeof(kind)), r->seq);
		return;
	}
	o = json_object();
	(void)json_object_set_new(o, "account", show_string(r->account));
	(void)json_object_set_new(o, "receipt", show_string(r->kind));
	(void)json_object_set_new(o, "seq", json_integer((json_int_t)r->seq));
	show_line(o, stdout);
}

static enum sn_err ask(struct app *app)
{
	uint32_t ref = core_receipts(app->core, sn_cli_arg(app->cli, 0));
	struct core_event ev;
	enum sn_err err;

	while ((err = app_await(app, ref, &ev)) == SN_OK &&
	       ev.type == CORE_RECEIPT)
		show(&ev.receipt, sn_cli_has(app->cli, "json"));
	if (err == SN_ELIMIT)
		(void)sn_why(&app->why, err,
		    "in a room as large as %s nobody is told who has got or "
		    "read what",
		    sn_cli_arg(app->cli, 0));
	return (err);
}

int cmd_receipts(struct sn_cli *cli)
{
	struct app app;
	enum sn_err err;

	if ((err = app_open(&app, cli, false, 0)) == SN_OK &&
	    (err = app_target(&app, sn_cli_arg(cli, 0))) == SN_OK &&
	    (err = app_login(&app)) == SN_OK)
		err = ask(&app);
	return (app_close(&app, err));
}
