#include "ca/cmd.h"

#include <stdio.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "ca/path.h"

/* The purpose that was asked for; none when the verdict is on the path
 * alone. */
static enum sn_err read_purpose(struct cmd *cmd, int *out)
{
	const char *text = sn_cli_value(cmd->cli, "purpose");

	if (text == NULL || strcmp(text, "any") == 0)
		*out = -1;
	else if (strcmp(text, "client") == 0)
		*out = X509_PURPOSE_SSL_CLIENT;
	else if (strcmp(text, "server") == 0)
		*out = X509_PURPOSE_SSL_SERVER;
	else
		return (sn_why(&cmd->why, SN_EINVAL,
		    "--purpose is client, server or any, not \"%.20s\"", text));
	return (SN_OK);
}

/* What is named by an option that may be repeated, or else stands in the
 * authority's folder. */
static enum sn_err each_file(struct cmd *cmd, const char *option,
    const char *usual, enum sn_err (*add)(struct cmd *, void *, const char *),
    void *to)
{
	char path[PATH_MAX];
	const char *file;
	enum sn_err err = SN_OK;

	if (!sn_cli_has(cmd->cli, option) && usual != NULL) {
		(void)snprintf(path, sizeof(path), "%s/%s", cmd->dir, usual);
		return (add(cmd, to, path));
	}
	for (size_t i = 0;
	     err == SN_OK && (file = sn_cli_nth(cmd->cli, option, i)) != NULL;
	     i++)
		err = add(cmd, to, file);
	return (err);
}

static enum sn_err add_certificates(struct cmd *cmd, void *to, const char *file)
{
	return (path_add_certificates(to, file, &cmd->why));
}

static enum sn_err add_lists(struct cmd *cmd, void *to, const char *file)
{
	return (path_add_lists(to, file, &cmd->why));
}

static enum sn_err add_policy(struct cmd *cmd, void *to, const char *oid)
{
	return (path_add_policy(to, oid, &cmd->why));
}

/* A trust file of ours holds issuing CAs, too; only roots are trusted. */
static enum sn_err read_trust(struct cmd *cmd, struct path *p)
{
	STACK_OF(X509) *all = sk_X509_new_null();
	enum sn_err err;

	if (all == NULL)
		return (sn_why(&cmd->why, SN_ENOMEM, "out of memory"));
	err = each_file(cmd, "trust", "ca.pem", add_certificates, all);
	while (err == SN_OK && sk_X509_num(all) > 0) {
		X509 *x = sk_X509_shift(all);
		bool root = X509_self_signed(x, 0) == 1;

		if (sk_X509_push(root ? p->trusted : p->others, x) <= 0) {
			X509_free(x);
			err = sn_why(&cmd->why, SN_ENOMEM, "out of memory");
		}
	}
	sk_X509_pop_free(all, X509_free);
	if (err == SN_OK && sk_X509_num(p->trusted) == 0)
		err = sn_why(&cmd->why, SN_EINVAL,
		    "there is no root (a certificate that signs itself) to "
		    "trust in what --trust names");
	return (err);
}

static enum sn_err prepare(
    struct cmd *cmd, struct path *p, STACK_OF(X509) * given)
{
	enum sn_err err;

	if ((err = read_purpose(cmd, &p->purpose)) != SN_OK ||
	    (err = path_add_certificates(
		 given, sn_cli_arg(cmd->cli, 0), &cmd->why)) != SN_OK ||
	    (err = read_trust(cmd, p)) != SN_OK ||
	    (err = each_file(
		 cmd, "chain", NULL, add_certificates, p->others)) != SN_OK ||
	    (err = each_file(cmd, "crl", "crl.pem", add_lists, p->lists)) !=
		SN_OK ||
	    (err = each_file(cmd, "policy", NULL, add_policy, p)) != SN_OK)
		return (err);
	p->explicit_policy = sn_cli_has(cmd->cli, "explicit-policy");
	p->inhibit_mapping = sn_cli_has(cmd->cli, "inhibit-mapping");
	p->inhibit_any = sn_cli_has(cmd->cli, "inhibit-any");
	/* What stands behind the certificate in its file may be on the way. */
	for (int i = 1; i < sk_X509_num(given); i++) {
		X509 *x = sk_X509_value(given, i);

		if (X509_add_cert(p->others, x, X509_ADD_FLAG_UP_REF) != 1)
			return (sn_why(&cmd->why, SN_ENOMEM, "out of memory"));
	}
	return (SN_OK);
}

static void tell(struct cmd *cmd, STACK_OF(X509) * chain)
{
	json_t *names = json_array();

	for (int i = 0; i < sk_X509_num(chain); i++) {
		X509 *x = sk_X509_value(chain, i);
		char *name =
		    X509_NAME_oneline(X509_get_subject_name(x), NULL, 0);

		cmd_say(cmd, "%s%s", i == 0 ? "accepted: " : "      by: ",
		    name != NULL ? name : "?");
		(void)json_array_append_new(
		    names, json_string(name != NULL ? name : "?"));
		OPENSSL_free(name);
	}
	cmd_set(cmd, "chain", names);
}

static enum sn_err body(struct cmd *cmd)
{
	STACK_OF(X509) *given = sk_X509_new_null(), *chain = NULL;
	struct path p;
	enum sn_err err;

	if ((err = path_init(&p)) != SN_OK || given == NULL)
		err = sn_why(&cmd->why, SN_ENOMEM, "out of memory");
	else if ((err = prepare(cmd, &p, given)) == SN_OK)
		err =
		    path_verify(&p, sk_X509_value(given, 0), &chain, &cmd->why);
	if (err == SN_OK)
		tell(cmd, chain);
	sk_X509_pop_free(chain, X509_free);
	sk_X509_pop_free(given, X509_free);
	path_clear(&p);
	return (err);
}

int cmd_verify(struct sn_cli *cli)
{
	return (cmd_run(cli, body));
}
