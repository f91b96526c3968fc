#include "ca/cmd_device.h"

#include <string.h>

#include "ca/book.h"
#include "ca/find.h"
#include "ca/inventory.h"
#include "lib/clock.h"

static enum sn_err count(void *arg, const struct record *rec)
{
	(void)rec;
	++*(unsigned *)arg;
	return (SN_OK);
}

/* Why there is nothing to renew. */
static enum sn_err nothing(
    struct cmd *cmd, struct sn_txn *txn, const struct leaf *leaf)
{
	unsigned ever = 0;
	enum sn_err err;

	err =
	    find_walk(txn, KIND_CLIENT, leaf->name, leaf->label, count, &ever);
	if (err != SN_OK)
		return (inventory_why(cmd->a->store, err, &cmd->why));
	return (sn_why(&cmd->why, SN_ENOTFOUND,
	    "%s has no %scertificate for the device %s; %ssicher-ca issue %s "
	    "--device %s%s makes one",
	    leaf->name, ever > 0 ? "valid " : "", leaf->label,
	    ever > 0 ? "what has ended or is revoked cannot be renewed, " : "",
	    leaf->name, leaf->label, cmd->where));
}

/* The certificate that is to be renewed. */
static enum sn_err find_old(
    struct cmd *cmd, const struct leaf *leaf, struct record *old)
{
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = sn_txn_read(cmd->a->store, &txn)) != SN_OK)
		return (inventory_why(cmd->a->store, err, &cmd->why));
	err = book_newest(
	    txn, KIND_CLIENT, leaf->name, leaf->label, sn_clock_wall_s(), old);
	old->der = (struct sn_bytes){ "", 0 };
	if (err == SN_ENOTFOUND)
		err = nothing(cmd, txn, leaf);
	else
		err = inventory_why(cmd->a->store, err, &cmd->why);
	sn_txn_abort(txn);
	return (err);
}

/* As the books have it now. */
static enum sn_err read_due(
    struct cmd *cmd, const struct record *old, int64_t *due)
{
	struct record now;
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = sn_txn_read(cmd->a->store, &txn)) != SN_OK)
		return (inventory_why(cmd->a->store, err, &cmd->why));
	err = book_get(txn, old->serial, &now);
	*due = now.due;
	sn_txn_abort(txn);
	return (inventory_why(cmd->a->store, err, &cmd->why));
}

static enum sn_err tell(
    struct cmd *cmd, const struct leaf *leaf, const struct record *old)
{
	char serial[SERIAL_TEXT], until[SN_CLOCK_TEXT];
	int64_t due = 0;
	enum sn_err err;

	if ((err = read_due(cmd, old, &due)) != SN_OK)
		return (err);
	(void)sn_bytes_hex(old->serial, SERIAL_BYTES, serial);
	(void)sn_clock_rfc3339(due, until);
	cmd_set(
	    cmd, "old", json_pack("{s:s,s:s}", "serial", serial, "due", until));
	cmd_say(cmd,
	    "The old one, %s, stays valid until %s, and is then due for "
	    "revocation.",
	    serial, until);
	cmd_say(cmd,
	    "Next: bring the files to the device; sicher-ca revoke --due%s "
	    "revokes the old one after that day. To undo: sicher-ca revoke "
	    "--serial %s%s",
	    cmd->where,
	    sn_bytes_hex(leaf->issued.rec.serial, SERIAL_BYTES, serial),
	    cmd->where);
	return (SN_OK);
}

static enum sn_err renew(struct cmd *cmd, struct leaf *leaf)
{
	struct record old;
	enum sn_err err;

	if ((err = find_old(cmd, leaf, &old)) != SN_OK ||
	    (err = cmd_device_profile(cmd, leaf, old.profile)) != SN_OK)
		return (err);
	leaf->replaces = leaf->renews = true;
	if ((err = cmd_device_make(cmd, leaf)) != SN_OK)
		return (err);
	err = tell(cmd, leaf, &old);
	issue_free(&leaf->issued);
	return (err);
}

static enum sn_err body(struct cmd *cmd)
{
	struct leaf leaf;
	enum sn_err err;
	int64_t keep;

	if ((err = cmd_device_take(cmd, &leaf)) != SN_OK ||
	    (err = cmd_days(cmd, &leaf.days)) != SN_OK ||
	    (err = cmd_span(cmd, "keep-old", -1, &keep)) != SN_OK ||
	    (err = cmd_open(cmd, false)) != SN_OK)
		return (err);
	leaf.keep_old = keep >= 0 ? keep : policy_keep_old(cmd->policy);
	err = renew(cmd, &leaf);
	return (err);
}

int cmd_renew(struct sn_cli *cli)
{
	return (cmd_run(cli, body));
}
