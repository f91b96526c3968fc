#include "ca/cmd.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/pem.h>

#include "ca/find.h"
#include "ca/inventory.h"
#include "ca/ssl.h"
#include "lib/clock.h"

static void tell(struct cmd *cmd, const struct record *rec)
{
	char hex[2 * FINGERPRINT_BYTES + 1], from[SN_CLOCK_TEXT],
	    to[SN_CLOCK_TEXT];

	cmd_say(cmd, "serial       %s",
	    sn_bytes_hex(rec->serial, SERIAL_BYTES, hex));
	cmd_say(cmd, "kind         %s (profile %s)",
	    record_kind_text(rec->kind), rec->profile);
	cmd_say(cmd, "%s      %s",
	    rec->kind == KIND_CLIENT ? "account" : "name   ", rec->name);
	if (rec->label[0] != '\0')
		cmd_say(cmd, "device       %s", rec->label);
	cmd_say(
	    cmd, "state        %s", record_state_text(rec, sn_clock_wall_s()));
	cmd_say(cmd, "valid        %s to %s",
	    sn_clock_rfc3339(rec->not_before, from),
	    sn_clock_rfc3339(rec->not_after, to));
	if (rec->state == STATE_REVOKED)
		cmd_say(cmd, "revoked      %s, %s",
		    sn_clock_rfc3339(rec->revoked_at, from),
		    record_reason_text(rec->reason));
	if (rec->due != 0)
		cmd_say(cmd, "renewed      to be revoked after %s",
		    sn_clock_rfc3339(rec->due, to));
	if (rec->der.n > 0)
		cmd_say(cmd, "fingerprint  %s",
		    sn_bytes_hex(rec->fingerprint, FINGERPRINT_BYTES, hex));
}

static enum sn_err tell_pem(struct cmd *cmd, const struct record *rec)
{
	BIO *bio;
	char *text;
	long n;
	enum sn_err err;
	X509 *x;

	if (rec->der.n == 0)
		return (SN_OK);
	if ((err = ssl_certificate(rec->der, &x, &cmd->why)) != SN_OK)
		return (err);
	bio = BIO_new(BIO_s_mem());
	err = ssl_pem_certificate(bio, x);
	if (err == SN_OK) {
		n = BIO_get_mem_data(bio, &text);
		cmd_set(cmd, "pem", json_stringn(text, (size_t)n));
		cmd_say(cmd, "%.*s", (int)n - 1, text);
	}
	BIO_free(bio);
	X509_free(x);
	return (err);
}

static enum sn_err find(struct cmd *cmd, struct sn_txn *txn)
{
	const char *what = sn_cli_arg(cmd->cli, 0);
	struct record rec;
	enum sn_err err;

	if (access(what, F_OK) == 0)
		err = find_file(txn, what, &rec, &cmd->why);
	else
		err = find_serial(txn, what, &rec, &cmd->why);
	if (err != SN_OK)
		return (err);
	cmd_set(cmd, "certificate", cmd_record(&rec, sn_clock_wall_s()));
	tell(cmd, &rec);
	return (tell_pem(cmd, &rec));
}

static enum sn_err body(struct cmd *cmd)
{
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = cmd_open(cmd, true)) != SN_OK)
		return (err);
	if ((err = sn_txn_read(cmd->a->store, &txn)) != SN_OK)
		return (inventory_why(cmd->a->store, err, &cmd->why));
	err = find(cmd, txn);
	sn_txn_abort(txn);
	return (err);
}

int cmd_show(struct sn_cli *cli)
{
	return (cmd_run(cli, body));
}
