#include "ca/cmd.h"

#include <stdio.h>
#include <unistd.h>

#include "ca/audit.h"
#include "ca/draft.h"
#include "ca/due.h"
#include "ca/examine.h"
#include "ca/head.h"
#include "ca/inventory.h"
#include "ca/settle.h"
#include "lib/clock.h"

struct damage {
	struct cmd *cmd;
	json_t *all;
};

static void tell_damage(void *arg, const char *sentence)
{
	struct damage *d = arg;

	(void)json_array_append_new(d->all, json_string(sentence));
	cmd_say(d->cmd, "damage: %s", sentence);
}

static enum sn_err examine_books(struct cmd *cmd, const char *books)
{
	struct damage d = { .cmd = cmd, .all = json_array() };
	bool whole;
	enum sn_err err;

	err = examine(books, tell_damage, &d, &whole, &cmd->why);
	if (err == SN_OK && whole) {
		json_decref(d.all);
		return (SN_OK);
	}
	cmd_set(cmd, "damage", d.all);
	if (err != SN_OK)
		return (err);
	return (sn_why(&cmd->why, SN_ECORRUPT,
	    "the inventory of %s is damaged; issue and revoke nothing with "
	    "it, keep a copy, and run sicher-ca restore with the latest backup",
	    cmd->dir));
}

struct settled {
	struct cmd *cmd;
	json_t *all;
};

static void tell_settled(void *arg, const char *sentence)
{
	struct settled *s = arg;

	(void)json_array_append_new(s->all, json_string(sentence));
	cmd_say(s->cmd, "settled: %s", sentence);
}

/* The clock was wrong when the books were last written; it is right now. */
static enum sn_err accept_clock(struct cmd *cmd)
{
	int64_t now = sn_clock_wall_s();
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = sn_txn_write(cmd->a->store, &txn)) != SN_OK)
		return (inventory_why(cmd->a->store, err, &cmd->why));
	if ((err = authority_touch(txn, now)) != SN_OK ||
	    (err = audit_add(txn, now, "clock", "accepted=by-hand")) != SN_OK) {
		sn_txn_abort(txn);
		return (inventory_why(cmd->a->store, err, &cmd->why));
	}
	cmd_say(cmd, "The clock's time is taken as right.");
	return (inventory_why(cmd->a->store, sn_txn_commit(txn), &cmd->why));
}

struct overdue {
	int64_t now;
	unsigned count;
};

static enum sn_err count_due(void *arg, const struct record *rec)
{
	struct overdue *o = arg;

	o->count += rec->not_after >= o->now;
	return (SN_OK);
}

/* Renewed certificates that nobody has revoked yet. */
static enum sn_err tell_due(struct cmd *cmd)
{
	struct overdue o = { .now = sn_clock_wall_s() };
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = sn_txn_read(cmd->a->store, &txn)) != SN_OK)
		return (inventory_why(cmd->a->store, err, &cmd->why));
	err = due_walk(txn, o.now, count_due, &o);
	sn_txn_abort(txn);
	cmd_set(cmd, "due", json_integer(o.count));
	if (o.count > 0) {
		cmd->status = STATUS_ATTENTION;
		cmd_say(cmd,
		    "Due for revocation, for they were renewed: %u. Next: "
		    "sicher-ca revoke --due%s",
		    o.count, cmd->where);
	}
	return (inventory_why(cmd->a->store, err, &cmd->why));
}

static enum sn_err settle_and_tell(struct cmd *cmd)
{
	struct settled s = { .cmd = cmd, .all = json_array() };
	bool busy;
	enum sn_err err;

	err = settle(cmd->a, tell_settled, &s, &busy, &cmd->why);
	if (err == SN_OK && busy) {
		cmd->status = STATUS_ATTENTION;
		cmd_say(cmd, "Another command is at work; leftovers were not "
			     "looked at. Run it again later.");
	} else if (err == SN_OK && json_array_size(s.all) == 0) {
		cmd_say(cmd, "The books are whole, and nothing is left over.");
	} else if (err == SN_OK) {
		cmd_say(cmd,
		    "The books are whole. Next: sicher-ca crl publish%s if a "
		    "certificate was revoked above.",
		    cmd->where);
	}
	cmd_set(cmd, "settled", s.all);
	return (err);
}

static enum sn_err body(struct cmd *cmd)
{
	char books[PATH_MAX];
	unsigned drafts = draft_sweep(cmd->dir);
	enum sn_err err;

	if (drafts > 0)
		cmd_say(cmd,
		    "settled: %u folder%s that a killed init or "
		    "restore left beside %s %s removed",
		    drafts, drafts == 1 ? "" : "s", cmd->dir,
		    drafts == 1 ? "is" : "are");
	(void)snprintf(books, sizeof(books), "%s/inventory/data.mdb", cmd->dir);
	if (access(books, F_OK) != 0)
		return (cmd_open(cmd, true));
	(void)snprintf(books, sizeof(books), "%s/inventory", cmd->dir);
	if ((err = examine_books(cmd, books)) != SN_OK ||
	    (err = authority_open(cmd->dir, false, &cmd->a, &cmd->why)) !=
		SN_OK ||
	    (err = head_check(cmd->a, &cmd->why)) != SN_OK)
		return (err);
	if (sn_cli_has(cmd->cli, "accept-clock") &&
	    (err = accept_clock(cmd)) != SN_OK)
		return (err);
	if ((err = settle_and_tell(cmd)) != SN_OK)
		return (err);
	return (tell_due(cmd));
}

int cmd_check(struct sn_cli *cli)
{
	return (cmd_run(cli, body));
}
