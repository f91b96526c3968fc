#include "ca/cmd.h"

#include <string.h>

#include "ca/host.h"
#include "ca/leaf.h"
#include "ca/request.h"
#include "lib/clock.h"

#define SANS_MAX 64

struct sans {
	char text[SANS_MAX][HOST_SAN_BYTES];
	const char *list[SANS_MAX];
	size_t count;
};

static enum sn_err add(struct cmd *cmd, struct sans *s, const char *host)
{
	enum sn_err err;

	if (s->count == SANS_MAX)
		return (sn_why(&cmd->why, SN_ELIMIT,
		    "a certificate takes at most %d names", SANS_MAX));
	err = host_san(host, s->text[s->count], &cmd->why);
	if (err != SN_OK)
		return (err);
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->text[i], s->text[s->count]) == 0)
			return (SN_OK);
	s->list[s->count] = s->text[s->count];
	s->count++;
	return (SN_OK);
}

static enum sn_err collect(struct cmd *cmd, struct sans *s)
{
	const char *host = sn_cli_arg(cmd->cli, 0);
	enum sn_err err;

	for (size_t i = 0; host != NULL; i++) {
		if ((err = add(cmd, s, host)) != SN_OK)
			return (err);
		host = sn_cli_nth(cmd->cli, "san", i);
	}
	return (SN_OK);
}

static void tell(struct cmd *cmd, const struct leaf *leaf)
{
	const struct record *rec = &leaf->issued.rec;
	char until[SN_CLOCK_TEXT], serial[SERIAL_TEXT];

	cmd_set(cmd, "certificate", cmd_record(rec, rec->created));
	cmd_set(cmd, "folder", json_string(leaf->folder));
	cmd_say(cmd, "Certificate %s for the server %s, valid until %s.",
	    sn_bytes_hex(rec->serial, SERIAL_BYTES, serial), rec->name,
	    sn_clock_rfc3339(rec->not_after, until));
	cmd_say(
	    cmd, "  %s/chain.pem  certificate and its issuer", leaf->folder);
	if (leaf->request == NULL)
		cmd_say(cmd,
		    "  %s/key.pem    private key, not encrypted, for sicherd "
		    "reads it",
		    leaf->folder);
	cmd_say(cmd, "  %s/ca.pem     what the server trusts", leaf->folder);
	cmd_say(cmd,
	    "Next: name them in sicherd.conf (tls), then sicherctl reload. "
	    "To undo: sicher-ca revoke --serial %s",
	    serial);
}

static enum sn_err make(struct cmd *cmd, struct leaf *leaf)
{
	struct key *signer;
	uint32_t issuer;
	enum sn_err err;

	if ((err = cmd_key(cmd, &signer, &issuer)) != SN_OK)
		return (err);
	err = leaf_make(cmd->a, leaf, signer, issuer, &cmd->why);
	if (err == SN_OK) {
		tell(cmd, leaf);
		issue_free(&leaf->issued);
	}
	key_free(signer);
	return (err);
}

static enum sn_err body(struct cmd *cmd)
{
	const char *csr = sn_cli_value(cmd->cli, "csr");
	struct sans sans = { .count = 0 };
	struct leaf leaf = {
		.kind = KIND_SERVER,
		.name = sn_cli_arg(cmd->cli, 0),
		.label = "",
		.sans = sans.list,
		.out = sn_cli_value(cmd->cli, "out"),
	};
	enum sn_err err;

	if ((err = collect(cmd, &sans)) != SN_OK ||
	    (err = cmd_days(cmd, &leaf.days)) != SN_OK ||
	    (err = cmd_open(cmd, false)) != SN_OK ||
	    (err = policy_profile(cmd->policy,
		 sn_cli_value(cmd->cli, "profile"), KIND_SERVER, &leaf.profile,
		 &cmd->why)) != SN_OK)
		return (err);
	leaf.san_count = sans.count;
	if (csr != NULL && (err = request_load(csr, leaf.name, &leaf.request,
				&cmd->why)) != SN_OK)
		return (err);
	err = make(cmd, &leaf);
	EVP_PKEY_free(leaf.request);
	return (err);
}

int cmd_server(struct sn_cli *cli)
{
	return (cmd_run(cli, body));
}
