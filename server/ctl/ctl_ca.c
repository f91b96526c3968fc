#include <stdio.h>

#include "server/ctl/ctl.h"
#include "server/ctl/show.h"

static json_t *after_device(const json_t *last)
{
	return (json_incref(json_object_get(last, "fingerprint")));
}

static bool any_superseded(const json_t *issuers)
{
	const json_t *one;
	size_t i;

	json_array_foreach(issuers, i, one)
	{
		if (json_is_true(json_object_get(one, "superseded")))
			return (true);
	}
	return (false);
}

static void put(const json_t *reply, const char *asked)
{
	static const struct show_column issuers[] = {
		{ "ISSUER", "issuer" },
		{ "SUPERSEDED", "superseded" },
		{ "DEVICES", "devices" },
		{ "SESSIONS", "sessions" },
		{ "UNTIL", "not_after" },
		{ "ID", "id" },
		{ NULL, NULL },
	};
	static const struct show_column devices[] = {
		{ "ACCOUNT", "account" },
		{ "DEVICE", "device" },
		{ "ISSUER", "issuer" },
		{ "SERIAL", "serial" },
		{ "LAST USED", "last_used" },
		{ "CERTIFICATE UNTIL", "not_after" },
		{ NULL, NULL },
	};
	const json_t *left = json_object_get(reply, "devices");

	show_table(issuers, json_object_get(reply, "issuers"));
	(void)putchar('\n');
	if (json_array_size(left) > 0)
		show_table(devices, left);
	else if (asked != NULL)
		(void)printf("No device has a certificate of this issuer.\n");
	else if (any_superseded(json_object_get(reply, "issuers")))
		(void)printf(
		    "No device has a certificate of a superseded issuer: it "
		    "can be taken\nout of tls.authority and tls.crl.\n");
	else
		(void)printf("No issuer is superseded by a later one of the "
			     "same parent.\n");
}

int ctl_ca_progress(struct sn_cli *cli)
{
	json_t *request = json_pack("{s:s}", "cmd", "ca.progress"), *reply;
	const char *issuer = sn_cli_arg(cli, 0);
	enum ctl_status status;

	if (issuer != NULL)
		(void)json_object_set_new(
		    request, "issuer", json_string(issuer));
	status = ctl_ask_all(cli, request, "devices", after_device, &reply);
	if (status != CTL_OK)
		return ((int)status);
	if (!ctl_json(cli, reply))
		put(reply, issuer);
	json_decref(reply);
	return (CTL_OK);
}
