#include <stdio.h>

#include "server/ctl/ctl.h"
#include "server/ctl/show.h"

static json_t *after_session(const json_t *last)
{
	return (json_pack("{s:O, s:O}", "loop", json_object_get(last, "loop"),
	    "id", json_object_get(last, "id")));
}

int ctl_sessions_list(struct sn_cli *cli)
{
	static const struct show_column columns[] = {
		{ "ACCOUNT", "account" },
		{ "DEVICE", "device" },
		{ "SERIAL", "serial" },
		{ "ADDRESS", "address" },
		{ "SINCE", "since" },
		{ "IN", "messages_in" },
		{ "OUT", "messages_out" },
		{ "CERTIFICATE UNTIL", "not_after" },
		{ "CIPHER", "cipher" },
		{ NULL, NULL },
	};
	json_t *request = ctl_request(cli, "sessions"), *reply;
	enum ctl_status status =
	    ctl_ask_all(cli, request, "sessions", after_session, &reply);

	if (status != CTL_OK)
		return ((int)status);
	if (!ctl_json(cli, reply)) {
		const json_t *sessions = json_object_get(reply, "sessions");

		if (json_array_size(sessions) > 0)
			show_table(columns, sessions);
		else
			(void)printf("Nobody is logged in.\n");
	}
	json_decref(reply);
	return (CTL_OK);
}

int ctl_kick(struct sn_cli *cli)
{
	json_t *request = ctl_request(cli, "kick"), *reply;
	const char *device = sn_cli_arg(cli, 1);
	enum ctl_status status;

	if (device != NULL)
		(void)json_object_set_new(
		    request, "device", json_string(device));
	if ((status = ctl_ask(cli, request, &reply)) != CTL_OK)
		return ((int)status);
	if (!ctl_json(cli, reply))
		(void)printf(
		    "%s of %s closed; to come back it needs its password.\n"
		    "sicherctl account disable %s keeps it out.\n",
		    ctl_sessions(ctl_number(reply, "closed")),
		    sn_cli_arg(cli, 0), sn_cli_arg(cli, 0));
	json_decref(reply);
	return (CTL_OK);
}
