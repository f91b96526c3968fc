#include <stdio.h>

#include "lib/ctl.h"
#include "server/ctl/ctl.h"
#include "server/ctl/show.h"

int ctl_device_list(struct sn_cli *cli)
{
	static const struct show_column columns[] = {
		{ "DEVICE", "device" },
		{ "REVOKED", "revoked" },
		{ "SERIAL", "serial" },
		{ "CERTIFICATE UNTIL", "not_after" },
		{ "LAST USED", "last_used" },
		{ "FINGERPRINT", "fingerprint" },
		{ NULL, NULL },
	};
	enum ctl_status status;
	json_t *reply;

	status = ctl_ask(cli, ctl_request(cli, "device.list"), &reply);
	if (status != CTL_OK)
		return ((int)status);
	if (!ctl_json(cli, reply)) {
		const json_t *devices = json_object_get(reply, "devices");

		if (json_array_size(devices) > 0)
			show_table(columns, devices);
		else
			(void)printf("%s has not logged in from any device "
				     "yet.\n",
			    sn_cli_arg(cli, 0));
	}
	json_decref(reply);
	return (CTL_OK);
}

int ctl_device_revoke(struct sn_cli *cli)
{
	json_t *request = ctl_request(cli, "device.revoke"), *reply;
	const char *account = sn_cli_arg(cli, 0);
	const char *device = sn_cli_arg(cli, 1);
	enum ctl_status status;

	(void)json_object_set_new(request, "device", json_string(device));
	if ((status = ctl_ask(cli, request, &reply)) != CTL_OK)
		return ((int)status);
	if (!ctl_json(cli, reply))
		(void)printf(
		    "The device %s of %s is revoked on this server; %s "
		    "closed.\nThe authority does not know yet: sicher-ca "
		    "revoke %s --serial %s\n",
		    device, account, ctl_sessions(ctl_number(reply, "closed")),
		    account, sn_ctl_text(reply, "serial"));
	json_decref(reply);
	return (CTL_OK);
}
