#include "ca/elect.h"

/* The newest of each sort; 0: none. */
struct candidates {
	uint32_t active_able, able, active, any;
};

static enum sn_err sort_out(struct sn_txn *txn, const struct issuer *i,
    bool has_key, int64_t now, struct candidates *c)
{
	struct record rec;
	enum sn_err err;
	bool able;

	if ((err = issuer_record(txn, i, &rec)) != SN_OK)
		return (err);
	able = has_key && rec.state == STATE_VALID && rec.not_after > now;
	/* They come in the order of their ids. */
	if (i->active && able)
		c->active_able = i->id;
	if (able)
		c->able = i->id;
	if (i->active)
		c->active = i->id;
	c->any = i->id;
	return (SN_OK);
}

enum sn_err elect(struct sn_txn *txn, elect_has_key *has_key, const void *arg,
    int64_t now, uint32_t *out)
{
	struct candidates c = { 0 };
	struct issuer i;
	enum sn_err err;

	for (uint32_t id = 1; (err = issuer_from(txn, id, &i)) == SN_OK;
	     id = i.id + 1)
		if ((err = sort_out(txn, &i, has_key(arg, i.id), now, &c)) !=
		    SN_OK)
			return (err);
	if (err != SN_ENOTFOUND)
		return (err);
	*out = c.active_able != 0 ? c.active_able
	       : c.able != 0      ? c.able
	       : c.active != 0    ? c.active
				  : c.any;
	return (*out == 0 ? SN_OK : issuer_activate(txn, *out));
}
