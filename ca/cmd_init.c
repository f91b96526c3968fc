#include "ca/cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/crl.h"
#include "ca/draft.h"
#include "ca/found.h"
#include "ca/head.h"
#include "ca/host.h"
#include "ca/leaf.h"
#include "ca/outbox.h"
#include "ca/tree.h"
#include "lib/file.h"

#define POLICY_MAX ((size_t)1 << 20)

struct plan {
	const char *organisation, *host;
	char san[HOST_SAN_BYTES];
};

static enum sn_err make_server(
    struct cmd *cmd, const struct plan *plan, const struct key *issuing)
{
	const char *sans[1] = { plan->san };
	struct leaf leaf = {
		.kind = KIND_SERVER,
		.name = plan->host,
		.label = "",
		.sans = sans,
		.san_count = 1,
	};
	enum sn_err err;

	if (plan->host == NULL)
		return (SN_OK);
	err = policy_profile(
	    cmd->policy, NULL, KIND_SERVER, &leaf.profile, &cmd->why);
	if (err == SN_OK)
		err = leaf_make(cmd->a, &leaf, issuing, 1, &cmd->why);
	if (err == SN_OK)
		issue_free(&leaf.issued);
	return (err);
}

static enum sn_err sign_crls(
    struct cmd *cmd, const struct key *root, const struct key *issuing)
{
	struct issuer i;
	enum sn_err err;
	int lock;

	if ((err = crl_lock(cmd->a, &lock, &cmd->why)) != SN_OK)
		return (err);
	if ((err = crl_sign(cmd->a, ISSUER_ROOT, root, &i, &cmd->why)) ==
		SN_OK &&
	    (err = crl_sign(cmd->a, 1, issuing, &i, &cmd->why)) == SN_OK)
		err = outbox_publish(cmd->a, &cmd->why);
	crl_unlock(lock);
	return (err);
}

/* The policy that is followed from here on: what --config names, or the
 * sample of the defaults. */
static enum sn_err write_policy(struct cmd *cmd)
{
	const char *from = sn_cli_value(cmd->cli, "config");
	char path[PATH_BYTES], *text = NULL;
	enum sn_err err = SN_OK;
	size_t n;
	FILE *to;

	if (from != NULL) {
		err = sn_file_read(from, POLICY_MAX, &text, &n, &cmd->why);
	} else {
		if ((to = open_memstream(&text, &n)) == NULL)
			return (sn_why(&cmd->why, SN_ENOMEM, "out of memory"));
		policy_sample(to);
		if (fclose(to) != 0)
			err = sn_why(&cmd->why, SN_ENOMEM, "out of memory");
	}
	if (err == SN_OK)
		err = sn_file_write(
		    authority_path(cmd->a, path, "sicher-ca.conf"), 0644, text,
		    n, &cmd->why);
	free(text);
	return (err);
}

static enum sn_err build(struct cmd *cmd, const struct plan *plan,
    const struct sn_secret *passphrase)
{
	struct key *root = NULL, *issuing = NULL;
	enum sn_err err;

	cmd->a->crl_life = policy_crl_life(cmd->policy);
	cmd->a->crl_root_life = policy_crl_root_life(cmd->policy);
	if ((err = write_policy(cmd)) == SN_OK &&
	    (err = found_root(cmd->a, passphrase, &root, &cmd->why)) == SN_OK &&
	    (err = found_issuer(
		 cmd->a, 1, root, passphrase, &issuing, &cmd->why)) == SN_OK &&
	    (err = sign_crls(cmd, root, issuing)) == SN_OK)
		err = make_server(cmd, plan, issuing);
	key_free(issuing);
	key_free(root);
	return (err);
}

static void tell(struct cmd *cmd, const struct plan *plan)
{
	const char *d = cmd->dir;

	cmd_set(cmd, "dir", json_string(d));
	cmd_set(cmd, "organisation", json_string(plan->organisation));
	cmd_say(cmd, "The authority of %s is in %s:", plan->organisation, d);
	cmd_say(cmd, "  %s/ca.pem       trust this, on servers and clients", d);
	cmd_say(cmd, "  %s/crl.pem      what is revoked, for servers", d);
	cmd_say(cmd,
	    "  %s/private/     keys, encrypted; nobody else's business", d);
	cmd_say(cmd, "  %s/inventory/   the books", d);
	cmd_say(cmd,
	    "  %s/sicher-ca.conf  profiles and how long lists live; yours to "
	    "change",
	    d);
	if (plan->host != NULL) {
		cmd_set(cmd, "server", json_string(plan->host));
		cmd_say(cmd,
		    "  %s/servers/%s/  chain.pem and key.pem of the server; "
		    "key.pem is not encrypted, for sicherd reads it",
		    d, plan->host);
	}
	cmd_say(cmd,
	    "Next: a certificate for a person's device: "
	    "sicher-ca issue ACCOUNT --device LABEL%s",
	    cmd->where);
	cmd_say(cmd,
	    "Keep the passphrase: without it nothing can be issued or "
	    "revoked. To undo: remove %s.",
	    d);
}

static enum sn_err found(struct cmd *cmd, const struct plan *plan,
    const struct sn_secret *passphrase)
{
	struct draft draft;
	enum sn_err err;

	/* All of it is made beside, and appears in one step. */
	if ((err = draft_begin(cmd->dir, &draft, &cmd->why)) != SN_OK)
		return (err);
	err = authority_create(
	    draft.path, plan->organisation, &cmd->a, &cmd->why);
	if (err == SN_OK && (err = build(cmd, plan, passphrase)) == SN_OK)
		head_note(cmd->a);
	authority_close(cmd->a);
	cmd->a = NULL;
	if (err == SN_OK)
		err = draft_appear(&draft, &cmd->why);
	draft_end(&draft);
	return (err);
}

static enum sn_err body(struct cmd *cmd)
{
	struct plan plan = {
		.organisation = sn_cli_arg(cmd->cli, 0),
		.host = sn_cli_value(cmd->cli, "server"),
	};
	struct sn_secret passphrase;
	enum sn_err err;
	size_t n = strlen(cmd->dir);
	char dir[PATH_MAX];

	/* "authority/" has to be renamed to as "authority". */
	(void)snprintf(dir, sizeof(dir), "%s", cmd->dir);
	while (n > 1 && n < sizeof(dir) && dir[n - 1] == '/')
		dir[--n] = '\0';
	cmd->dir = dir;
	if ((err = found_organisation(plan.organisation, &cmd->why)) != SN_OK ||
	    (plan.host != NULL &&
		(err = host_san(plan.host, plan.san, &cmd->why)) != SN_OK) ||
	    (err = tree_free(dir, &cmd->why)) != SN_OK ||
	    (err = cmd_policy(cmd)) != SN_OK ||
	    (err = cmd_passphrase(cmd, true, &passphrase)) != SN_OK)
		return (err);
	err = found(cmd, &plan, &passphrase);
	sn_secret_free(&passphrase);
	if (err == SN_OK)
		tell(cmd, &plan);
	return (err);
}

int cmd_init(struct sn_cli *cli)
{
	return (cmd_run(cli, body));
}
