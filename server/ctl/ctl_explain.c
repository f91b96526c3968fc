#include <stdio.h>

#include "lib/ctl.h"
#include "server/ctl/ctl.h"
#include "server/ctl/show.h"

static void put(const char *path, const json_t *reply, bool admitted)
{
	(void)printf("%s: %s: ", path, admitted ? "admitted" : "NOT admitted");
	show_text(stdout, sn_ctl_text(reply, "verdict"));
	(void)putchar('\n');
	if (sn_ctl_text(reply, "subject")[0] == '\0')
		return; /* It is no certificate. */
	show_line("subject", reply, "subject");
	show_line("issuer", reply, "issuer");
	show_line("serial", reply, "serial");
	show_line("valid until", reply, "not_after");
	show_line("fingerprint", reply, "fingerprint");
	show_line("rule", reply, "rule");
	show_line("account", reply, "account");
	show_line("device", reply, "device");
	(void)printf("%-12s number %lld\n", "CRL", ctl_number(reply, "crl"));
	show_line("  of", reply, "crl_issuer");
	show_line("  next by", reply, "crl_next_update");
}

int ctl_explain(struct sn_cli *cli)
{
	const char *path = sn_cli_arg(cli, 0);
	json_t *request = json_pack("{s:s}", "cmd", "explain"), *reply;
	enum ctl_status status;
	bool admitted;

	if ((status = ctl_add_pem(cli, request, path)) != CTL_OK) {
		json_decref(request);
		return ((int)status);
	}
	if ((status = ctl_ask(cli, request, &reply)) != CTL_OK)
		return ((int)status);
	admitted = json_is_true(json_object_get(reply, "admitted"));
	if (!ctl_json(cli, reply))
		put(path, reply, admitted);
	json_decref(reply);
	return (admitted ? CTL_OK : CTL_REFUSED);
}
