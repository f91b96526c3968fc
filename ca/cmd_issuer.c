#include "ca/cmd.h"

#include <unistd.h>

#include "ca/audit.h"
#include "ca/crl.h"
#include "ca/found.h"
#include "ca/inventory.h"
#include "ca/issuer.h"
#include "ca/keyring.h"
#include "ca/publish.h"
#include "lib/clock.h"

/* All issuing CAs as they stand. */
struct roster {
	uint32_t active, prepared; /* 0: none. */
	unsigned alive;
	uint32_t next; /* The id of one to come. */
};

static enum sn_err read_roster(
    struct cmd *cmd, struct sn_txn *txn, int64_t now, struct roster *r)
{
	char path[PATH_BYTES];
	struct issuer i;
	struct record rec;
	enum sn_err err;

	*r = (struct roster){ .alive = 0 };
	if ((err = issuer_active(txn, &i)) != SN_OK)
		return (err == SN_ENOTFOUND ? SN_ECORRUPT : err);
	r->active = i.id;
	for (uint32_t id = 1; (err = issuer_from(txn, id, &i)) == SN_OK;
	     id = i.id + 1) {
		if ((err = issuer_record(txn, &i, &rec)) != SN_OK)
			return (err);
		r->alive += rec.not_after >= now;
		/* One whose key was lost, as a restore may tell, never signs. */
		if (issuer_state(&i, &rec, r->active, now) == ISSUER_PREPARED &&
		    access(keyring_path(cmd->a, i.id, path), F_OK) == 0)
			r->prepared = i.id;
	}
	return (err == SN_ENOTFOUND ? issuer_next(txn, &r->next) : err);
}

static enum sn_err get_roster(struct cmd *cmd, struct roster *r)
{
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = sn_txn_read(cmd->a->store, &txn)) != SN_OK)
		return (inventory_why(cmd->a->store, err, &cmd->why));
	err = read_roster(cmd, txn, sn_clock_wall_s(), r);
	sn_txn_abort(txn);
	return (inventory_why(cmd->a->store, err, &cmd->why));
}

static enum sn_err check_root(struct cmd *cmd)
{
	struct issuer root;
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = sn_txn_read(cmd->a->store, &txn)) != SN_OK)
		return (inventory_why(cmd->a->store, err, &cmd->why));
	if ((err = issuer_get(txn, ISSUER_ROOT, &root)) != SN_OK)
		err = inventory_why(cmd->a->store, err, &cmd->why);
	else
		err = issuer_usable(txn, &root, sn_clock_wall_s(), &cmd->why);
	sn_txn_abort(txn);
	return (err);
}

/* With the lock held: makes issuing CA ${r}->next. */
static enum sn_err make(
    struct cmd *cmd, struct keyring *ring, const struct roster *r)
{
	char path[PATH_BYTES], name[32];
	const struct key *key;
	struct key *made;
	enum sn_err err;

	if (r->alive >= ISSUER_ALIVE_MAX)
		return (sn_why(&cmd->why, SN_ELIMIT,
		    "there are %u issuing CAs whose time is not over, and "
		    "servers know no more than so many",
		    r->alive));
	/* The passphrase has to be the one of the others, too. */
	if ((err = check_root(cmd)) != SN_OK ||
	    (err = keyring_key(ring, r->active, &key, &cmd->why)) != SN_OK ||
	    (err = keyring_key(ring, ISSUER_ROOT, &key, &cmd->why)) != SN_OK ||
	    (err = found_issuer(cmd->a, r->next, key, keyring_passphrase(ring),
		 &made, &cmd->why)) != SN_OK)
		return (err);
	key_free(made);
	(void)issuer_key(r->next, name);
	cmd_set(cmd, "issuer", json_string(name));
	cmd_say(cmd, "Made: %s, key in %s.", name,
	    keyring_path(cmd->a, r->next, path));
	return (SN_OK);
}

static enum sn_err create(struct cmd *cmd, struct keyring *ring)
{
	char name[32];
	struct roster r;
	enum sn_err err;

	if ((err = get_roster(cmd, &r)) != SN_OK)
		return (err);
	if (r.prepared != 0)
		return (sn_why(&cmd->why, SN_EEXISTS,
		    "%s is prepared already; sicher-ca issuer rotate%s lets it "
		    "sign",
		    issuer_key(r.prepared, name), cmd->where));
	if ((err = make(cmd, ring, &r)) != SN_OK ||
	    (err = publish_lists(cmd, ring, PUBLISH_STALE, PUBLISH_RENEWAL)) !=
		SN_OK)
		return (err);
	cmd_say(cmd,
	    "It signs nothing yet. Next: see that every server has the new "
	    "%s/ca.pem and then crl.pem, and after that sicher-ca issuer "
	    "rotate%s",
	    cmd->dir, cmd->where);
	return (SN_OK);
}

static enum sn_err activate(struct sn_txn *txn, int64_t now, void *arg)
{
	const uint32_t *id = arg;
	char name[32];
	enum sn_err err = issuer_activate(txn, *id);

	return (err != SN_OK ? err
			     : audit_add(txn, now, "issuer.rotate", "active=%s",
				   issuer_key(*id, name)));
}

static enum sn_err rotate(struct cmd *cmd, struct keyring *ring)
{
	char name[32], old[32];
	const struct key *key;
	struct roster r;
	enum sn_err err;
	uint32_t id;

	if ((err = get_roster(cmd, &r)) != SN_OK)
		return (err);
	id = r.prepared != 0 ? r.prepared : r.next;
	if (r.prepared == 0 && (err = make(cmd, ring, &r)) != SN_OK)
		return (err);
	/* One whose key is lost must not become the one that signs. */
	if ((err = keyring_key(ring, id, &key, &cmd->why)) != SN_OK ||
	    (err = cmd_change(cmd, activate, &id)) != SN_OK)
		return (err);
	(void)issuer_key(id, name);
	(void)issuer_key(r.active, old);
	cmd_set(cmd, "active", json_string(name));
	cmd_set(cmd, "before", json_string(old));
	cmd_say(cmd, "%s signs from now on; %s only its own lists.", name, old);
	err = publish_lists(cmd, ring, PUBLISH_STALE, PUBLISH_CONFIRM);
	if (err == SN_OK)
		cmd_say(cmd,
		    "Certificates of %s stay valid. Next: sicher-ca expiry%s "
		    "says what has to be renewed, and when.",
		    old, cmd->where);
	return (err);
}

static void tell(struct cmd *cmd, const struct issuer *i,
    const struct record *rec, const char *state, json_t *all)
{
	char serial[SERIAL_TEXT], until[SN_CLOCK_TEXT], next[SN_CLOCK_TEXT],
	    name[32];

	(void)issuer_key(i->id, name);
	(void)sn_clock_rfc3339(rec->not_after, until);
	(void)sn_clock_rfc3339(i->crl_next, next);
	(void)sn_bytes_hex(rec->serial, SERIAL_BYTES, serial);
	(void)json_array_append_new(all,
	    json_pack("{s:s,s:s,s:s,s:s,s:s,s:I,s:s}", "issuer", name, "name",
		rec->name, "state", state, "serial", serial, "not_after", until,
		"crl", (json_int_t)i->crl_number, "crl_next_update", next));
	cmd_say(cmd, "%-12s %-9s until %.10s  CRL %llu until %.10s  %s", name,
	    state, until, (unsigned long long)i->crl_number, next, serial);
}

static enum sn_err list(struct cmd *cmd)
{
	int64_t now = sn_clock_wall_s();
	json_t *all = json_array();
	struct sn_txn *txn;
	struct roster r;
	struct issuer i;
	struct record rec;
	enum sn_err err;

	if ((err = cmd_open(cmd, true)) != SN_OK)
		goto out;
	if ((err = sn_txn_read(cmd->a->store, &txn)) == SN_OK) {
		err = read_roster(cmd, txn, now, &r);
		for (uint32_t id = 1; err == SN_OK; id = i.id + 1)
			if ((err = issuer_from(txn, id, &i)) == SN_OK &&
			    (err = issuer_record(txn, &i, &rec)) == SN_OK)
				tell(cmd, &i, &rec,
				    issuer_state_text(
					issuer_state(&i, &rec, r.active, now)),
				    all);
		sn_txn_abort(txn);
		err = err == SN_ENOTFOUND ? SN_OK : err;
	}
	err = inventory_why(cmd->a->store, err, &cmd->why);
out:
	cmd_set(cmd, "issuers", all);
	return (err);
}

static enum sn_err create_body(struct cmd *cmd)
{
	return (cmd_with_ring(cmd, create));
}

static enum sn_err rotate_body(struct cmd *cmd)
{
	return (cmd_with_ring(cmd, rotate));
}

int cmd_issuer_create(struct sn_cli *cli)
{
	return (cmd_run(cli, create_body));
}

int cmd_issuer_rotate(struct sn_cli *cli)
{
	return (cmd_run(cli, rotate_body));
}

int cmd_issuer_list(struct sn_cli *cli)
{
	return (cmd_run(cli, list));
}
