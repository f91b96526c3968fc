#include "ca/cmd.h"

#include <stdio.h>
#include <string.h>

#include "ca/find.h"
#include "ca/host.h"
#include "ca/inventory.h"
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
	if (leaf->request.n == 0)
		cmd_say(cmd,
		    "  %s/key.pem    private key, not encrypted, for sicherd "
		    "reads it",
		    leaf->folder);
	cmd_say(cmd, "  %s/ca.pem     what the server trusts", leaf->folder);
	cmd_say(cmd,
	    "Next: name them in sicherd.conf (tls), then sicherctl reload. "
	    "To undo: sicher-ca revoke --serial %s%s",
	    serial, cmd->where);
}

struct replaced {
	const struct record *by;
	unsigned count;
	int64_t due; /* The first. */
};

static enum sn_err count_due(void *arg, const struct record *rec)
{
	struct replaced *r = arg;

	if (rec->state != STATE_VALID || rec->due == 0 ||
	    rec->not_after < r->by->created)
		return (SN_OK);
	r->count++;
	if (r->due == 0 || rec->due < r->due)
		r->due = rec->due;
	return (SN_OK);
}

/* What the host had before. */
static enum sn_err tell_old(struct cmd *cmd, const struct record *rec)
{
	struct replaced r = { .by = rec };
	char when[SN_CLOCK_TEXT];
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = sn_txn_read(cmd->a->store, &txn)) != SN_OK)
		return (inventory_why(cmd->a->store, err, &cmd->why));
	err = find_walk(txn, rec->kind, rec->name, rec->label, count_due, &r);
	sn_txn_abort(txn);
	if (err != SN_OK || r.count == 0)
		return (inventory_why(cmd->a->store, err, &cmd->why));
	(void)sn_clock_rfc3339(r.due, when);
	cmd_set(cmd, "old",
	    json_pack("{s:i,s:s}", "count", (int)r.count, "due", when));
	cmd_say(cmd,
	    "What %s had before (%u) is due for revocation from %s on: "
	    "sicher-ca revoke --due%s",
	    rec->name, r.count, when, cmd->where);
	return (SN_OK);
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
		if (leaf->renews)
			err = tell_old(cmd, &leaf->issued.rec);
		issue_free(&leaf->issued);
	}
	key_free(signer);
	return (err);
}

static enum sn_err take_old(struct cmd *cmd, struct leaf *leaf)
{
	enum sn_err err;

	if ((err = cmd_span(cmd, "keep-old", -1, &leaf->keep_old)) != SN_OK)
		return (err);
	if (sn_cli_has(cmd->cli, "beside") && leaf->keep_old >= 0)
		return (sn_why(&cmd->why, SN_EINVAL,
		    "--beside keeps the host's other certificates for good; "
		    "--keep-old says how long: leave one of the two out"));
	leaf->renews = !sn_cli_has(cmd->cli, "beside");
	return (SN_OK);
}

/* What the host has at a moment. */
struct held {
	int64_t now;
	char folder[PATH_BYTES]; /* Where the new one's files are to go... */
	struct record here;      /* ...and its one that lies there, which
				  * may have ended. */
	bool is_here;
	struct record newest; /* Of those that stay. */
	unsigned count;
};

static bool stays(const struct held *h, const struct record *rec)
{
	return (rec->state == STATE_VALID && rec->not_after >= h->now);
}

static enum sn_err count_held(void *arg, const struct record *rec)
{
	struct held *h = arg;

	if (stays(h, rec) && rec->due == 0) {
		h->newest = *rec;
		h->count++;
	}
	return (SN_OK);
}

static enum sn_err look_here(struct cmd *cmd, struct sn_txn *txn,
    const struct leaf *leaf, struct held *h)
{
	char to[PATH_BYTES], path[PATH_BYTES + 16];
	enum sn_err err;

	if ((err = leaf_destination(leaf, to, &cmd->why)) != SN_OK)
		return (err);
	if (to[0] == '/')
		(void)snprintf(h->folder, sizeof(h->folder), "%s", to);
	else
		authority_path(cmd->a, h->folder, "%s", to);
	(void)snprintf(
	    path, sizeof(path), "%s/%s", h->folder, deliver_name(leaf->kind));
	err = find_file(txn, path, &h->here, &cmd->why);
	/* None, or somebody else's. */
	if (err == SN_ENOTFOUND || err == SN_EINVAL)
		return (SN_OK);
	if (err != SN_OK)
		return (err);
	h->is_here =
	    h->here.kind == leaf->kind && strcmp(h->here.name, leaf->name) == 0;
	return (SN_OK);
}

static enum sn_err look(
    struct cmd *cmd, const struct leaf *leaf, struct held *h)
{
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = sn_txn_read(cmd->a->store, &txn)) != SN_OK)
		return (inventory_why(cmd->a->store, err, &cmd->why));
	err =
	    find_walk(txn, leaf->kind, leaf->name, leaf->label, count_held, h);
	if (err != SN_OK)
		err = inventory_why(cmd->a->store, err, &cmd->why);
	else
		err = look_here(cmd, txn, leaf, h);
	sn_txn_abort(txn);
	return (err);
}

/*
 * A host may be several machines, each with its folder.  A certificate takes
 * over from the one in the folder it goes to, and from no other.  Where none
 * lies there, whether the host's others are this machine's is not to be
 * guessed.
 */
static enum sn_err choose_old(
    struct cmd *cmd, struct leaf *leaf, struct held *h)
{
	char serial[SERIAL_TEXT];
	enum sn_err err;

	h->now = sn_clock_wall_s();
	if ((err = look(cmd, leaf, h)) != SN_OK)
		return (err);
	if (h->is_here && !leaf->renews && stays(h, &h->here))
		return (sn_why(&cmd->why, SN_EEXISTS,
		    "%.512s has the certificate %s, which is to stay: name "
		    "another folder for this one with --out",
		    h->folder,
		    sn_bytes_hex(h->here.serial, SERIAL_BYTES, serial)));
	if (h->is_here)
		leaf->old = h->here.serial;
	else if (h->count > 0 && leaf->renews && leaf->keep_old < 0)
		return (sn_why(&cmd->why, SN_EDENIED,
		    "%s has a certificate, %s, and it does not lie in %.400s: "
		    "say --beside where another machine of that name keeps "
		    "it, or --keep-old DAYS where this one renews all that "
		    "the host has",
		    leaf->name,
		    sn_bytes_hex(h->newest.serial, SERIAL_BYTES, serial),
		    h->folder));
	if (leaf->keep_old < 0)
		leaf->keep_old = policy_keep_old(cmd->policy);
	return (SN_OK);
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
	struct held held = { .count = 0 };
	enum sn_err err;

	if ((err = collect(cmd, &sans)) != SN_OK ||
	    (err = cmd_days(cmd, &leaf.days)) != SN_OK ||
	    (err = take_old(cmd, &leaf)) != SN_OK ||
	    (err = cmd_open(cmd, false)) != SN_OK ||
	    (err = policy_profile(cmd->policy,
		 sn_cli_value(cmd->cli, "profile"), KIND_SERVER, &leaf.profile,
		 &cmd->why)) != SN_OK)
		return (err);
	leaf.san_count = sans.count;
	if ((err = choose_old(cmd, &leaf, &held)) != SN_OK)
		return (err);
	if (csr != NULL && (err = request_load(csr, leaf.name, &leaf.request,
				&cmd->why)) != SN_OK)
		return (err);
	return (make(cmd, &leaf));
}

int cmd_server(struct sn_cli *cli)
{
	return (cmd_run(cli, body));
}
