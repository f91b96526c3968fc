#include "client/cmd.h"

#include <stdio.h>

#include "client/app.h"
#include "client/safe.h"
#include "client/show.h"
#include "lib/clock.h"

static void show(const struct sn_frame_device *d, bool json)
{
	char device[512], serial[512], until[SN_CLOCK_TEXT], print[65];
	json_t *o;

	(void)sn_clock_rfc3339((int64_t)(d->not_after / SN_MS_PER_S), until);
	(void)sn_bytes_hex(d->fingerprint.p, d->fingerprint.n, print);
	if (!json) {
		(void)printf("%s, until %s, serial %s\n  sha256 %s\n",
		    d->device.n > 0
			? safe_line(d->device, device, sizeof(device))
			: "-",
		    until, safe_line(d->serial, serial, sizeof(serial)), print);
		return;
	}
	o = json_object();
	(void)json_object_set_new(o, "device", show_string(d->device));
	(void)json_object_set_new(o, "fingerprint", json_string(print));
	(void)json_object_set_new(o, "serial", show_string(d->serial));
	(void)json_object_set_new(o, "issuer", show_string(d->issuer));
	(void)json_object_set_new(o, "not_after", json_string(until));
	(void)json_object_set_new(
	    o, "certificate", show_base64(d->certificate));
	show_line(o, stdout);
}

static enum sn_err ask(struct app *app)
{
	uint32_t ref = core_directory(app->core, sn_cli_arg(app->cli, 0));
	struct core_event ev;
	enum sn_err err;

	while (
	    (err = app_await(app, ref, &ev)) == SN_OK && ev.type == CORE_DEVICE)
		show(&ev.device, sn_cli_has(app->cli, "json"));
	if (err == SN_ENOTFOUND)
		(void)sn_why(&app->why, err,
		    "there is no %s that you may know of: you have to share a "
		    "room or a conversation",
		    sn_cli_arg(app->cli, 0));
	return (err);
}

int cmd_devices(struct sn_cli *cli)
{
	struct app app;
	enum sn_err err;

	if ((err = app_open(&app, cli, false, 0)) == SN_OK &&
	    (err = app_target(&app, sn_cli_arg(cli, 0))) == SN_OK &&
	    (err = app_login(&app)) == SN_OK)
		err = ask(&app);
	return (app_close(&app, err));
}
