#include "ca/publish.h"

#include <string.h>

#include "ca/crl.h"
#include "ca/inventory.h"
#include "ca/issuer.h"
#include "ca/notify.h"
#include "ca/outbox.h"
#include "lib/clock.h"

/* A root's list that ends this soon is spoken of even if its key is away. */
#define ROOT_SOON (INT64_C(30) * 86400)

struct work {
	struct cmd *cmd;
	struct keyring *ring;
	enum publish_scope scope;
	int64_t now;
	json_t *lists;  /* What was signed. */
	json_t *failed; /* What was not. */
	enum sn_err worst;
	struct sn_why why; /* Of the worst. */
};

/* A CA's row from an id on, and its certificate's; SN_ENOTFOUND behind the
 * last. */
static enum sn_err look(
    struct cmd *cmd, uint32_t id, struct issuer *i, struct record *rec)
{
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = sn_txn_read(cmd->a->store, &txn)) != SN_OK)
		return (inventory_why(cmd->a->store, err, &cmd->why));
	err = issuer_from(txn, id, i);
	if (err == SN_OK)
		err = issuer_record(txn, i, rec);
	sn_txn_abort(txn);
	if (err == SN_ENOTFOUND)
		return (err);
	return (inventory_why(cmd->a->store, err, &cmd->why));
}

static bool is_due(const struct work *w, const struct issuer *i)
{
	if (i->crl_stale || i->crl_this == 0)
		return (true);
	if (w->scope == PUBLISH_STALE)
		return (false);
	/* The root's key is to be used seldom. */
	return (i->id != ISSUER_ROOT || keyring_named_root(w->ring) ||
		i->crl_next - w->now < (i->crl_next - i->crl_this) / 2);
}

/* A list that is due, and nobody here can sign it. */
static void tell_missing(struct work *w, const struct issuer *i)
{
	char name[32], until[SN_CLOCK_TEXT];

	if (i->id == ISSUER_ROOT && !i->crl_stale &&
	    i->crl_next - w->now > ROOT_SOON)
		return;
	w->cmd->status = STATUS_ATTENTION;
	cmd_say(w->cmd,
	    "The list of %s is not renewed, for its key is not here; %s%s. "
	    "Next: sicher-ca crl publish%s%s",
	    issuer_key(i->id, name),
	    i->crl_stale ? "a revocation is missing in it, and it ends "
			 : "it ends ",
	    sn_clock_rfc3339(i->crl_next, until), w->cmd->where,
	    i->id == ISSUER_ROOT ? " --root-key FILE"
				 : " once the key is in private/ again");
}

static enum sn_err sign(struct work *w, struct issuer *i)
{
	char name[32], until[SN_CLOCK_TEXT];
	const struct key *key;
	enum sn_err err;

	err = keyring_key(w->ring, i->id, &key, &w->cmd->why);
	if (err != SN_OK ||
	    (err = crl_sign(w->cmd->a, i->id, key, i, &w->cmd->why)) != SN_OK)
		return (err);
	(void)issuer_key(i->id, name);
	(void)sn_clock_rfc3339(i->crl_next, until);
	(void)json_array_append_new(
	    w->lists, json_pack("{s:s,s:I,s:s}", "issuer", name, "number",
			  (json_int_t)i->crl_number, "next_update", until));
	cmd_say(w->cmd, "Signed: CRL %llu of %s, good until %s.",
	    (unsigned long long)i->crl_number, name, until);
	return (SN_OK);
}

/* Damage is worse than what another try may mend. */
static int badness(enum sn_err err)
{
	enum status status = err == SN_OK ? STATUS_OK : status_of(err);

	return (status == STATUS_OK          ? 0
		: status == STATUS_INTEGRITY ? 3
		: status == STATUS_FAILED    ? 2
					     : 1);
}

/* The others are signed all the same: a list that lapses locks out all whom
 * its CA has certified. */
static void tell_failed(struct work *w, const struct issuer *i, enum sn_err err)
{
	char name[32];

	(void)issuer_key(i->id, name);
	(void)json_array_append_new(
	    w->failed, json_pack("{s:s,s:s,s:s}", "issuer", name, "error",
			   sn_err_name(err), "message", w->cmd->why.text));
	cmd_say(w->cmd, "The list of %s is not renewed: %s.", name,
	    w->cmd->why.text);
	if (badness(err) > badness(w->worst)) {
		w->worst = err;
		(void)sn_why(&w->why, err,
		    "the list of %s is not renewed: %.400s", name,
		    w->cmd->why.text);
	}
	w->cmd->why.text[0] = '\0';
}

static enum sn_err sign_all(struct work *w)
{
	struct issuer i;
	struct record rec;
	enum sn_err err;

	for (uint32_t id = ISSUER_ROOT;; id = i.id + 1) {
		if ((err = look(w->cmd, id, &i, &rec)) != SN_OK)
			return (err == SN_ENOTFOUND ? SN_OK : err);
		/* What it issued has ended, too: it needs no list. */
		if (rec.not_after < w->now || !is_due(w, &i))
			continue;
		if (!keyring_has(w->ring, i.id))
			tell_missing(w, &i);
		else if ((err = sign(w, &i)) != SN_OK)
			tell_failed(w, &i, err);
	}
}

/* The newest number, and when the first of the lists ends. */
static enum sn_err sum_up(struct cmd *cmd, uint64_t *highest, int64_t *next)
{
	int64_t now = sn_clock_wall_s();
	struct issuer i;
	struct record rec;
	enum sn_err err;

	*highest = 0;
	*next = 0;
	for (uint32_t id = ISSUER_ROOT;; id = i.id + 1) {
		if ((err = look(cmd, id, &i, &rec)) != SN_OK)
			return (err == SN_ENOTFOUND ? SN_OK : err);
		if (rec.not_after < now || i.crl_this == 0)
			continue;
		if (i.crl_number > *highest)
			*highest = i.crl_number;
		if (*next == 0 || i.crl_next < *next)
			*next = i.crl_next;
	}
}

enum sn_err publish_highest(struct cmd *cmd, uint64_t *out)
{
	int64_t next;

	return (sum_up(cmd, out, &next));
}

static void tell_unknown(
    struct cmd *cmd, unsigned long long number, enum publish_wait wait)
{
	if (wait == PUBLISH_CONFIRM)
		cmd->status = STATUS_ATTENTION;
	cmd_set(cmd, "confirmed", json_false());
	cmd_say(cmd,
	    "CRL %llu published, unconfirmed: no server is known here. Next: "
	    "copy %s/ca.pem and then %s/crl.pem to the server, and sicherctl "
	    "reload there (with --control SOCKET, or control in "
	    "sicher-ca.conf, a server on this machine is told and asked).",
	    number, cmd->dir, cmd->dir);
}

static void tell_unconfirmed(
    struct cmd *cmd, unsigned long long number, const char *reason)
{
	size_t n = strlen(reason);

	cmd->status = STATUS_ATTENTION;
	cmd_set(cmd, "confirmed", json_false());
	cmd_set(cmd, "unconfirmed", json_string(reason));
	cmd_say(cmd,
	    "CRL %llu published, unconfirmed: %s%s Next: sicherctl reload on "
	    "the server.",
	    number, reason, n > 0 && reason[n - 1] == '?' ? "" : ".");
}

static void tell_server(
    struct cmd *cmd, unsigned long long number, enum publish_wait wait)
{
	const char *control = sn_cli_value(cmd->cli, "control");
	struct notice notice;
	struct sn_why why = { "" };
	enum sn_err err;

	if (control == NULL)
		control = policy_control(cmd->policy);
	if (control == NULL) {
		tell_unknown(cmd, number, wait);
		return;
	}
	err = notify_server(control, &notice, &why);
	if (err == SN_OK && (unsigned long long)notice.crl < number)
		err = sn_why(&why, SN_EDENIED,
		    "the server has CRL %lld, so it reads another file than "
		    "%s/crl.pem",
		    notice.crl, cmd->dir);
	if (err == SN_OK) {
		cmd_set(cmd, "confirmed", json_true());
		cmd_set(cmd, "closed", json_integer(notice.closed));
		cmd_say(cmd, "CRL %llu in force, %lld session%s closed.",
		    number, notice.closed, notice.closed == 1 ? "" : "s");
		return;
	}
	tell_unconfirmed(cmd, number, why.text);
}

enum sn_err publish_lists(struct cmd *cmd, struct keyring *ring,
    enum publish_scope scope, enum publish_wait wait)
{
	struct work w = {
		.cmd = cmd,
		.ring = ring,
		.scope = scope,
		.now = sn_clock_wall_s(),
		.lists = json_array(),
		.failed = json_array(),
	};
	char until[SN_CLOCK_TEXT];
	uint64_t number;
	int64_t next;
	bool silent;
	enum sn_err err;

	err = sign_all(&w);
	silent = wait == PUBLISH_SILENT && json_array_size(w.lists) == 0;
	if (err == SN_OK && json_array_size(w.lists) == 0)
		err = w.worst;
	if (w.worst != SN_OK)
		cmd->why = w.why;
	cmd_set(cmd, "lists", w.lists);
	cmd_set(cmd, "failed", w.failed);
	if (err != SN_OK ||
	    (err = outbox_publish(cmd->a, &cmd->why)) != SN_OK ||
	    (err = sum_up(cmd, &number, &next)) != SN_OK)
		return (err);
	cmd_set(cmd, "crl", json_integer((json_int_t)number));
	cmd_set(
	    cmd, "crl_next_update", json_string(sn_clock_rfc3339(next, until)));
	if (!silent)
		tell_server(cmd, number, wait);
	return (w.worst);
}
