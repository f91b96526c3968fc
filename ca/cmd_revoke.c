#include "ca/cmd.h"

#include <stdlib.h>
#include <string.h>

#include "ca/book.h"
#include "ca/crl.h"
#include "ca/due.h"
#include "ca/find.h"
#include "ca/inventory.h"
#include "ca/keyring.h"
#include "ca/publish.h"
#include "lib/clock.h"

#define AT_ONCE_MAX (1U << 20)

struct records {
	struct record *list;
	size_t count, room;
};

/* What is to be revoked. */
struct targets {
	struct records all;
	struct records unrenewed; /* Due, and nothing has renewed them. */
	struct records released;  /* They hold on, and are due no more. */
	size_t revoked_before;
	bool more; /* There were too many for once. */
	int64_t now;
	struct sn_txn *txn;
};

static enum sn_err add(struct records *r, const struct record *rec)
{
	if (r->count == AT_ONCE_MAX)
		return (SN_ELIMIT);
	if (r->count == r->room) {
		size_t room = r->room == 0 ? 16 : 2 * r->room;
		struct record *list = realloc(r->list, room * sizeof(*list));

		if (list == NULL)
			return (SN_ENOMEM);
		r->list = list;
		r->room = room;
	}
	r->list[r->count] = *rec;
	/* It belongs to the transaction. */
	r->list[r->count++].der = (struct sn_bytes){ "", 0 };
	return (SN_OK);
}

static enum sn_err take(void *arg, const struct record *rec)
{
	struct targets *t = arg;

	if (rec->state == STATE_REVOKED) {
		t->revoked_before++;
		return (SN_OK);
	}
	if (rec->state != STATE_VALID || rec->not_after < t->now)
		return (SN_OK);
	return (add(&t->all, rec));
}

/* A renewed one goes only while what renewed it is there. */
static enum sn_err take_due(void *arg, const struct record *rec)
{
	struct targets *t = arg;
	bool superseded;
	enum sn_err err;

	if (rec->state != STATE_VALID || rec->not_after < t->now)
		return (SN_OK);
	err = due_superseded(t->txn, rec, t->now, &superseded);
	if (err != SN_OK)
		return (err);
	return (add(superseded ? &t->all : &t->unrenewed, rec));
}

static enum sn_err select_one(
    struct cmd *cmd, struct sn_txn *txn, struct targets *t)
{
	const char *serial = sn_cli_value(cmd->cli, "serial");
	const char *file = sn_cli_value(cmd->cli, "file");
	struct record rec;
	enum sn_err err;

	if (serial != NULL)
		err = find_serial(txn, serial, &rec, &cmd->why);
	else
		err = find_file(txn, file, &rec, &cmd->why);
	if (err != SN_OK)
		return (err);
	if (rec.kind == KIND_ROOT)
		return (sn_why(&cmd->why, SN_EDENIED,
		    "a root cannot be revoked; tell everybody to trust it no "
		    "more, and make a new authority"));
	return (take(t, &rec));
}

static enum sn_err select_account(
    struct cmd *cmd, struct sn_txn *txn, struct targets *t)
{
	const char *account = sn_cli_arg(cmd->cli, 0);
	const char *device = sn_cli_value(cmd->cli, "device");
	enum sn_err err;

	err = find_walk(txn, KIND_CLIENT, account, device, take, t);
	if (err == SN_ELIMIT)
		return (sn_why(&cmd->why, err,
		    "%s has more than %u certificates; revoke by device",
		    account, AT_ONCE_MAX));
	if (err != SN_OK)
		return (inventory_why(cmd->a->store, err, &cmd->why));
	if (t->all.count == 0 && t->revoked_before == 0)
		return (sn_why(&cmd->why, SN_ENOTFOUND,
		    "%s%s%s has no valid certificate; sicher-ca list "
		    "--account %s%s shows what there is",
		    account, device != NULL ? ", device " : "",
		    device != NULL ? device : "", account, cmd->where));
	return (SN_OK);
}

static enum sn_err select_due(
    struct cmd *cmd, struct sn_txn *txn, struct targets *t)
{
	enum sn_err err;

	t->txn = txn;
	err = due_walk(txn, t->now, take_due, t);
	/* The rest is taken by the next run. */
	t->more = err == SN_ELIMIT;
	return (t->more ? SN_OK : inventory_why(cmd->a->store, err, &cmd->why));
}

static enum sn_err choose(
    struct cmd *cmd, struct sn_txn *txn, struct targets *t)
{
	struct sn_why ignored;
	enum sn_err err;

	t->all.count = t->unrenewed.count = t->revoked_before = 0;
	/* A wrong clock must not keep anybody from being revoked. */
	err = authority_now(txn, &t->now, &ignored);
	if (err != SN_OK && err != SN_EDENIED)
		return (inventory_why(cmd->a->store, err, &cmd->why));
	if (sn_cli_has(cmd->cli, "due"))
		return (select_due(cmd, txn, t));
	if (sn_cli_args(cmd->cli) > 0)
		return (select_account(cmd, txn, t));
	return (select_one(cmd, txn, t));
}

/* Before anything is marked: each key that will have to sign is here, and
 * opens. */
static enum sn_err get_ready(
    struct cmd *cmd, struct keyring *ring, struct targets *t)
{
	const struct key *key;
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = sn_txn_read(cmd->a->store, &txn)) != SN_OK)
		return (inventory_why(cmd->a->store, err, &cmd->why));
	err = choose(cmd, txn, t);
	sn_txn_abort(txn);
	for (size_t i = 0; err == SN_OK && i < t->all.count; i++)
		err = keyring_key(ring, t->all.list[i].issuer, &key, &cmd->why);
	return (err);
}

/* Devices that have lost what renewed them keep what they had. */
static enum sn_err release(
    struct sn_txn *txn, const struct records *devices, struct targets *t)
{
	struct record rec;
	enum sn_err err = SN_OK;

	for (size_t i = 0; err == SN_OK && i < devices->count; i++) {
		err = due_release(txn, &devices->list[i], t->now, &rec);
		if (err == SN_OK)
			err = add(&t->released, &rec);
		else if (err == SN_ENOTFOUND)
			err = SN_OK;
	}
	return (err);
}

static enum sn_err mark_all(
    struct sn_txn *txn, uint8_t reason, struct targets *t)
{
	enum sn_err err;

	for (size_t i = 0; i < t->all.count; i++) {
		struct record rec;

		err = book_get(txn, t->all.list[i].serial, &rec);
		if (err != SN_OK ||
		    (err = crl_revoke(txn, &rec, reason, t->now)) != SN_OK)
			return (err);
		rec.der = (struct sn_bytes){ "", 0 };
		t->all.list[i] = rec;
	}
	if ((err = release(txn, &t->all, t)) != SN_OK)
		return (err);
	return (release(txn, &t->unrenewed, t));
}

static enum sn_err mark(
    struct cmd *cmd, struct sn_txn *txn, uint8_t reason, struct targets *t)
{
	enum sn_err err;

	if ((err = choose(cmd, txn, t)) != SN_OK)
		return (err);
	return (
	    inventory_why(cmd->a->store, mark_all(txn, reason, t), &cmd->why));
}

static void tell_released(struct cmd *cmd, const struct targets *t)
{
	char serial[SERIAL_TEXT], until[SN_CLOCK_TEXT];
	json_t *all = json_array();

	for (size_t i = 0; i < t->released.count; i++) {
		const struct record *rec = &t->released.list[i];

		(void)sn_bytes_hex(rec->serial, SERIAL_BYTES, serial);
		(void)json_array_append_new(all, cmd_record(rec, t->now));
		cmd_say(cmd,
		    "%s%s%s has nothing newer any more, so its certificate %s "
		    "is not due for revocation, and holds until %s. To revoke "
		    "it as well: sicher-ca revoke --serial %s%s",
		    rec->name, rec->label[0] != '\0' ? ", device " : "",
		    rec->label, serial, sn_clock_rfc3339(rec->not_after, until),
		    serial, cmd->where);
	}
	cmd_set(cmd, "released", all);
}

static void tell(struct cmd *cmd, const struct targets *t)
{
	char serial[SERIAL_TEXT];
	json_t *all = json_array();

	for (size_t i = 0; i < t->all.count; i++) {
		const struct record *rec = &t->all.list[i];

		(void)json_array_append_new(all, cmd_record(rec, t->now));
		cmd_say(cmd, "Revoked: %s%s%s, certificate %s (%s).", rec->name,
		    rec->label[0] != '\0' ? ", device " : "", rec->label,
		    sn_bytes_hex(rec->serial, SERIAL_BYTES, serial),
		    record_reason_text(rec->reason));
	}
	if (t->all.count == 0)
		cmd_say(cmd, "%s",
		    t->revoked_before > 0
			? "It was revoked before; nothing to change."
			: "Nothing is due for revocation.");
	if (t->more) {
		cmd->status = STATUS_ATTENTION;
		cmd_say(cmd, "More are due: run it again.");
	}
	cmd_set(cmd, "revoked", all);
	cmd_set(cmd, "more", json_boolean(t->more));
}

/* What a revoked CA has issued goes down with it. */
static void tell_issuers(struct cmd *cmd, const struct targets *t)
{
	for (size_t i = 0; i < t->all.count; i++)
		if (t->all.list[i].kind == KIND_ISSUER)
			cmd_say(cmd,
			    "Every certificate that %s has issued is refused "
			    "from now on. Next: sicher-ca issuer rotate%s if "
			    "it was the active one, then new certificates for "
			    "servers and devices.",
			    t->all.list[i].name, cmd->where);
}

static enum sn_err revoke(
    struct cmd *cmd, struct keyring *ring, uint8_t reason, struct targets *t)
{
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = get_ready(cmd, ring, t)) != SN_OK)
		return (err);
	if ((err = sn_txn_write(cmd->a->store, &txn)) != SN_OK)
		return (inventory_why(cmd->a->store, err, &cmd->why));
	if ((err = mark(cmd, txn, reason, t)) != SN_OK) {
		sn_txn_abort(txn);
		return (err);
	}
	err = inventory_why(cmd->a->store, sn_txn_commit(txn), &cmd->why);
	if (err != SN_OK)
		return (err);
	tell(cmd, t);
	tell_released(cmd, t);
	/* Even when nothing is new: the run that revoked it may have died
	 * before its CRL was out. */
	err = publish_lists(cmd, ring, PUBLISH_STALE,
	    t->all.count + t->revoked_before > 0 ? PUBLISH_CONFIRM
						 : PUBLISH_SILENT);
	if (err == SN_OK)
		tell_issuers(cmd, t);
	return (err);
}

static enum sn_err locked(struct cmd *cmd, struct keyring *ring, uint8_t reason)
{
	struct targets *t = calloc(1, sizeof(*t));
	enum sn_err err;
	int lock;

	if (t == NULL)
		return (sn_why(&cmd->why, SN_ENOMEM, "out of memory"));
	if ((err = crl_lock(cmd->a, &lock, &cmd->why)) == SN_OK) {
		err = revoke(cmd, ring, reason, t);
		crl_unlock(lock);
	}
	free(t->all.list);
	free(t->unrenewed.list);
	free(t->released.list);
	free(t);
	return (err);
}

static enum sn_err check_arguments(struct cmd *cmd, uint8_t *reason)
{
	const char *text = sn_cli_value(cmd->cli, "reason");
	size_t ways = sn_cli_args(cmd->cli) + sn_cli_has(cmd->cli, "serial") +
		      sn_cli_has(cmd->cli, "file") +
		      sn_cli_has(cmd->cli, "due");

	if (ways != 1)
		return (sn_why(&cmd->why, SN_EINVAL,
		    "say what to revoke: ACCOUNT [--device LABEL], --serial "
		    "HEX, --file FILE or --due, and only one of them"));
	/* What was renewed has been superseded, whatever else happened. */
	*reason = sn_cli_has(cmd->cli, "due") ? REASON_SUPERSEDED : 0;
	if (text != NULL && !record_reason_of(text, reason))
		return (sn_why(&cmd->why, SN_EINVAL,
		    "\"%.40s\" is no reason; one of unspecified, "
		    "keyCompromise, cACompromise, affiliationChanged, "
		    "superseded, cessationOfOperation, privilegeWithdrawn, "
		    "aACompromise",
		    text));
	return (SN_OK);
}

static enum sn_err body(struct cmd *cmd)
{
	struct keyring *ring;
	uint8_t reason;
	enum sn_err err;

	if ((err = check_arguments(cmd, &reason)) != SN_OK ||
	    (err = cmd_open(cmd, false)) != SN_OK ||
	    (err = cmd_keyring(cmd, &ring)) != SN_OK)
		return (err);
	err = locked(cmd, ring, reason);
	keyring_free(ring);
	return (err);
}

int cmd_revoke(struct sn_cli *cli)
{
	return (cmd_run(cli, body));
}
