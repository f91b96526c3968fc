#include "ca/cmd.h"

#include <openssl/x509.h>

#include "ca/crl.h"
#include "ca/inventory.h"
#include "ca/publish.h"
#include "lib/clock.h"

static enum sn_err count_entries(struct sn_txn *txn, uint32_t id, int *out)
{
	X509_CRL *crl;
	enum sn_err err;

	*out = 0;
	if ((err = crl_kept(txn, id, &crl)) != SN_OK)
		return (err == SN_ENOTFOUND ? SN_OK : err);
	*out = sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl));
	if (*out < 0)
		*out = 0;
	X509_CRL_free(crl);
	return (SN_OK);
}

static void tell(
    struct cmd *cmd, const struct issuer *i, int entries, json_t *all)
{
	char from[SN_CLOCK_TEXT], to[SN_CLOCK_TEXT], name[32];
	bool late = i->crl_next < sn_clock_wall_s();

	(void)sn_clock_rfc3339(i->crl_this, from);
	(void)sn_clock_rfc3339(i->crl_next, to);
	(void)json_array_append_new(all,
	    json_pack("{s:s,s:I,s:i,s:s,s:s,s:b,s:b}", "issuer",
		issuer_key(i->id, name), "number", (json_int_t)i->crl_number,
		"entries", entries, "this_update", from, "next_update", to,
		"stale", i->crl_stale, "late", late));
	cmd_say(cmd, "%-12s CRL %llu, %d revoked, from %s until %s%s%s", name,
	    (unsigned long long)i->crl_number, entries, from, to,
	    i->crl_stale ? "; a revocation is missing in it" : "",
	    late ? "; its time is over" : "");
	if (i->crl_stale || late)
		cmd->status = STATUS_ATTENTION;
}

static enum sn_err show(struct cmd *cmd)
{
	json_t *all = json_array();
	struct sn_txn *txn;
	struct issuer i;
	struct record rec;
	enum sn_err err;
	int entries = 0;

	if ((err = cmd_open(cmd, true)) != SN_OK ||
	    (err = sn_txn_read(cmd->a->store, &txn)) != SN_OK) {
		json_decref(all);
		return (cmd->a == NULL
			    ? err
			    : inventory_why(cmd->a->store, err, &cmd->why));
	}
	for (uint32_t id = ISSUER_ROOT; err == SN_OK; id = i.id + 1)
		if ((err = issuer_from(txn, id, &i)) == SN_OK &&
		    (err = issuer_record(txn, &i, &rec)) == SN_OK &&
		    (err = count_entries(txn, i.id, &entries)) == SN_OK &&
		    (i.id == ISSUER_ROOT || rec.not_after >= sn_clock_wall_s()))
			tell(cmd, &i, entries, all);
	sn_txn_abort(txn);
	cmd_set(cmd, "crls", all);
	if (cmd->status == STATUS_ATTENTION)
		cmd_say(cmd, "Next: sicher-ca crl publish%s", cmd->where);
	if (err == SN_ENOTFOUND)
		return (SN_OK);
	return (inventory_why(cmd->a->store, err, &cmd->why));
}

static enum sn_err publish_all(struct cmd *cmd, struct keyring *ring)
{
	return (publish_lists(cmd, ring, PUBLISH_ALL, PUBLISH_RENEWAL));
}

static enum sn_err publish(struct cmd *cmd)
{
	return (cmd_with_ring(cmd, publish_all));
}

int cmd_crl_show(struct sn_cli *cli)
{
	return (cmd_run(cli, show));
}

int cmd_crl_publish(struct sn_cli *cli)
{
	return (cmd_run(cli, publish));
}
