#include <stdio.h>
#include <stdlib.h>

#include "lib/ctl.h"
#include "server/ctl/ctl.h"
#include "server/ctl/show.h"

int ctl_map_add(struct sn_cli *cli)
{
	const char *path = sn_cli_arg(cli, 1);
	const char *uri = sn_cli_value(cli, "uri");
	json_t *request, *reply;
	enum ctl_status status;

	if (path != NULL && uri != NULL)
		return (sn_cli_usage(
		    cli, "either a certificate or --uri, not both"));
	request = ctl_request(cli, "map.add");
	if (uri != NULL)
		(void)json_object_set_new(request, "uri", json_string(uri));
	if (path != NULL &&
	    (status = ctl_add_pem(cli, request, path)) != CTL_OK) {
		json_decref(request);
		return ((int)status);
	}
	if ((status = ctl_ask(cli, request, &reply)) != CTL_OK)
		return ((int)status);
	if (!ctl_json(cli, reply)) {
		(void)printf("The subject ");
		show_text(stdout, sn_ctl_text(reply, "subject"));
		(void)printf(" leads to the account %s; %s closed.\n"
			     "To undo it: sicherctl map remove %s ",
		    sn_cli_arg(cli, 0),
		    ctl_sessions(ctl_number(reply, "closed")),
		    sn_cli_arg(cli, 0));
		show_text(stdout, sn_ctl_text(reply, "key"));
		(void)putchar('\n');
	}
	json_decref(reply);
	return (CTL_OK);
}

int ctl_map_remove(struct sn_cli *cli)
{
	json_t *request = ctl_request(cli, "map.remove"), *reply;
	enum ctl_status status;

	(void)json_object_set_new(
	    request, "key", json_string(sn_cli_arg(cli, 1)));
	if ((status = ctl_ask(cli, request, &reply)) != CTL_OK)
		return ((int)status);
	if (!ctl_json(cli, reply))
		(void)printf("It leads to %s no more; %s closed.\n",
		    sn_cli_arg(cli, 0),
		    ctl_sessions(ctl_number(reply, "closed")));
	json_decref(reply);
	return (CTL_OK);
}

static json_t *after_mapping(const json_t *last)
{
	return (json_pack("{s:O, s:O}", "account_id",
	    json_object_get(last, "account_id"), "at",
	    json_object_get(last, "at")));
}

int ctl_map_list(struct sn_cli *cli)
{
	static const struct show_column columns[] = {
		{ "ACCOUNT", "account" },
		{ "SUBJECT", "subject" },
		{ "SINCE", "since" },
		{ "KEY", "key" },
		{ NULL, NULL },
	};
	json_t *request = ctl_request(cli, "map.list"), *reply;
	enum ctl_status status =
	    ctl_ask_all(cli, request, "mappings", after_mapping, &reply);

	if (status != CTL_OK)
		return ((int)status);
	if (!ctl_json(cli, reply)) {
		const json_t *mappings = json_object_get(reply, "mappings");

		if (json_array_size(mappings) > 0)
			show_table(columns, mappings);
		else
			(void)printf("Nothing is mapped by hand; sicherctl map "
				     "add ACCOUNT CERT.pem does.\n");
	}
	json_decref(reply);
	return (CTL_OK);
}

int ctl_map_check(struct sn_cli *cli)
{
	static const struct show_column columns[] = {
		{ "FINDING", "finding" },
		{ "ACCOUNT", "account" },
		{ "SUBJECT", "subject" },
		{ "WHY", "why" },
		{ NULL, NULL },
	};
	enum ctl_status status;
	long long count;
	json_t *reply;

	status = ctl_ask(cli, ctl_request(cli, "map.check"), &reply);
	if (status != CTL_OK)
		return ((int)status);
	count = ctl_number(reply, "count");
	if (!ctl_json(cli, reply)) {
		const json_t *found = json_object_get(reply, "findings");

		if (count > 0)
			show_table(columns, found);
		if (count > (long long)json_array_size(found))
			(void)printf("... and %lld more.\n",
			    count - (long long)json_array_size(found));
		if (count == 0)
			(void)printf("Accounts: %lld.  Each can be reached "
				     "under the rule %s, and each mapping "
				     "leads to one.\n",
			    ctl_number(reply, "accounts"),
			    sn_ctl_text(reply, "rule"));
	}
	json_decref(reply);
	return (count == 0 ? CTL_OK : CTL_FAILED);
}
