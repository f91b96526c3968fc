#include <stdio.h>
#include <stdlib.h>

#include "lib/ctl.h"
#include "lib/file.h"
#include "server/ctl/ctl.h"
#include "server/ctl/show.h"

#define PEM_MAX ((size_t)64 * 1024)

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
}

int ctl_explain(struct sn_cli *cli)
{
	const char *path = sn_cli_arg(cli, 0);
	struct sn_why why = { "" };
	enum ctl_status status;
	json_t *request, *reply;
	enum sn_err err;
	bool admitted;
	char *pem;
	size_t n;

	if ((err = sn_file_read(path, PEM_MAX, &pem, &n, &why)) != SN_OK)
		return ((int)ctl_failed(cli,
		    err == SN_ENOTFOUND ? CTL_NOT_FOUND : CTL_FAILED, "%s",
		    why.text));
	request = json_pack("{s:s, s:s%}", "cmd", "explain", "pem", pem, n);
	free(pem);
	if (request == NULL)
		return ((int)ctl_failed(cli, CTL_FAILED,
		    "%s is no PEM file; openssl x509 -inform DER makes one "
		    "from a binary certificate",
		    path));
	if ((status = ctl_ask(cli, request, &reply)) != CTL_OK)
		return ((int)status);
	admitted = json_is_true(json_object_get(reply, "admitted"));
	if (!ctl_json(cli, reply))
		put(path, reply, admitted);
	json_decref(reply);
	return (admitted ? CTL_OK : CTL_REFUSED);
}
