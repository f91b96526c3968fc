#include "server/oplog/applier.h"

#include <string.h>

#include "server/oplog/db.h"

enum sn_err applier_begin(struct sn_store *store, struct applier *out)
{
	enum sn_err err;

	memset(out, 0, sizeof(*out));
	if ((err = sn_txn_write(store, &out->txn)) != SN_OK)
		return (err);
	if ((err = db_meta(out->txn, DB_META_LAST_SEQ, &out->last)) != SN_OK)
		sn_txn_abort(out->txn);
	out->before = out->last;
	return (err);
}

enum sn_err applier_apply(
    struct applier *a, struct sn_bytes op, uint64_t seq, struct applied *out)
{
	enum sn_err err;

	if (seq <= a->last)
		return (SN_EEXISTS);
	err = apply(a->txn, &a->tally, op, seq, out);
	if (err == SN_OK && !out->duplicate)
		a->last = seq;
	return (err);
}

void applier_seen(struct applier *a, uint64_t seq)
{
	if (seq > a->last)
		a->last = seq;
}

enum sn_err applier_commit(struct applier *a)
{
	enum sn_err err = tally_store(&a->tally, a->txn);

	tally_free(&a->tally);
	if (err == SN_OK && a->last != a->before)
		err = db_meta_set(a->txn, DB_META_LAST_SEQ, a->last);
	if (err != SN_OK) {
		sn_txn_abort(a->txn);
		return (err);
	}
	return (sn_txn_commit(a->txn));
}

void applier_abort(struct applier *a)
{
	tally_free(&a->tally);
	sn_txn_abort(a->txn);
}
