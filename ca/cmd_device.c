#include "ca/cmd_device.h"

#include "ca/request.h"
#include "lib/clock.h"
#include "lib/name.h"
#include "lib/passphrase.h"

#define DEVICE_DEFAULT "main"

static enum sn_err check_names(
    struct cmd *cmd, const char *account, const char *label)
{
	if (!sn_name_account(sn_bytes_of(account)))
		return (sn_why(&cmd->why, SN_EINVAL,
		    "\"%.64s\" is no account name: 1 to 64 of a-z 0-9 . _ - "
		    "and a letter or digit first",
		    account));
	if (!sn_name_account(sn_bytes_of(label)))
		return (sn_why(&cmd->why, SN_EINVAL,
		    "\"%.64s\" is no device label: 1 to 64 of a-z 0-9 . _ - "
		    "and a letter or digit first",
		    label));
	return (SN_OK);
}

static enum sn_err p12_password(struct cmd *cmd, struct sn_secret *out)
{
	struct sn_passphrase source = {
		.what = "password of the PKCS#12 file",
		.fd = sn_cli_value(cmd->cli, "p12-passphrase-fd"),
		.file = sn_cli_value(cmd->cli, "p12-passphrase-file"),
		.hint = "--p12-passphrase-file FILE or --p12-passphrase-fd N",
		.is_new = true,
	};

	return (sn_passphrase_read(&source, out, &cmd->why));
}

static enum sn_err key_passphrase(struct cmd *cmd, struct sn_secret *out)
{
	struct sn_passphrase source = {
		.what = "passphrase of the new key",
		.fd = sn_cli_value(cmd->cli, "key-passphrase-fd"),
		.file = sn_cli_value(cmd->cli, "key-passphrase-file"),
	};

	if (source.fd == NULL && source.file == NULL)
		return (SN_OK);
	return (sn_passphrase_read(&source, out, &cmd->why));
}

enum sn_err cmd_device_take(struct cmd *cmd, struct leaf *leaf)
{
	const char *label = sn_cli_value(cmd->cli, "device");
	const char *csr = sn_cli_value(cmd->cli, "csr");

	*leaf = (struct leaf){
		.kind = KIND_CLIENT,
		.name = sn_cli_arg(cmd->cli, 0),
		.label = label != NULL ? label : DEVICE_DEFAULT,
		.out = sn_cli_value(cmd->cli, "out"),
		.p12 = sn_cli_value(cmd->cli, "p12"),
		.p12_compat = sn_cli_has(cmd->cli, "compat"),
	};
	if (csr != NULL && leaf->p12 != NULL)
		return (sn_why(&cmd->why, SN_EINVAL,
		    "--p12 needs the private key, which stays where the CSR "
		    "was made; leave one of the two out"));
	if (leaf->p12_compat && leaf->p12 == NULL)
		return (sn_why(&cmd->why, SN_EINVAL,
		    "--compat says how the file of --p12 is made; name one"));
	return (check_names(cmd, leaf->name, leaf->label));
}

enum sn_err cmd_device_profile(
    struct cmd *cmd, struct leaf *leaf, const char *usual)
{
	const char *name = sn_cli_value(cmd->cli, "profile");
	const char *csr = sn_cli_value(cmd->cli, "csr");
	enum sn_err err;

	err = policy_profile(cmd->policy, name != NULL ? name : usual,
	    KIND_CLIENT, &leaf->profile, &cmd->why);
	if (err != SN_OK || csr == NULL)
		return (err);
	return (request_load(csr, leaf->name, &leaf->request, &cmd->why));
}

static void tell(struct cmd *cmd, const struct leaf *leaf)
{
	const struct record *rec = &leaf->issued.rec;
	char until[SN_CLOCK_TEXT], serial[SERIAL_TEXT];

	cmd_set(cmd, "certificate", cmd_record(rec, rec->created));
	cmd_set(cmd, "folder", json_string(leaf->folder));
	cmd_say(cmd, "Certificate %s for %s, device %s, valid until %s.",
	    sn_bytes_hex(rec->serial, SERIAL_BYTES, serial), rec->name,
	    rec->label, sn_clock_rfc3339(rec->not_after, until));
	cmd_say(cmd, "  %s/cert.pem  certificate and its issuer", leaf->folder);
	if (leaf->request.n == 0)
		cmd_say(cmd, "  %s/key.pem   private key, %s", leaf->folder,
		    leaf->key_passphrase != NULL
			? "encrypted"
			: "NOT encrypted: hand it over on a safe way, then "
			  "remove it here");
	cmd_say(cmd, "  %s/ca.pem    what %s's client trusts", leaf->folder,
	    rec->name);
	if (leaf->p12 != NULL) {
		cmd_set(cmd, "p12", json_string(leaf->p12));
		cmd_say(
		    cmd, "  %s  all of it, for browsers and phones", leaf->p12);
	}
}

/* The secrets live in here, and so long as the leaf is made. */
enum sn_err cmd_device_make(struct cmd *cmd, struct leaf *leaf)
{
	struct sn_secret password = { 0, NULL }, passphrase = { 0, NULL };
	struct key *signer = NULL;
	uint32_t issuer;
	enum sn_err err;

	if (leaf->p12 != NULL && (err = p12_password(cmd, &password)) != SN_OK)
		goto out;
	if ((err = key_passphrase(cmd, &passphrase)) != SN_OK ||
	    (err = cmd_key(cmd, &signer, &issuer)) != SN_OK)
		goto out;
	leaf->p12_password = &password;
	leaf->key_passphrase = passphrase.data != NULL ? &passphrase : NULL;
	err = leaf_make(cmd->a, leaf, signer, issuer, &cmd->why);
	if (err == SN_OK)
		tell(cmd, leaf);
	/* They are gone below. */
	leaf->p12_password = leaf->key_passphrase = NULL;
out:
	key_free(signer);
	sn_secret_free(&password);
	sn_secret_free(&passphrase);
	return (err);
}
