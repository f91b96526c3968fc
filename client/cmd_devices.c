#include "client/cmd.h"

#include <stdio.h>

#include "client/safe.h"
#include "client/show.h"
#include "lib/clock.h"

static void show(const struct core_event *ev, bool json)
{
	const struct sn_frame_device *d = &ev->device;
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

int cmd_devices(struct sn_cli *cli)
{
	static const struct cmd_listing listing = { core_directory, CORE_DEVICE,
		show, "there is no device that has logged in and may be used" };

	return (cmd_list(cli, &listing));
}
