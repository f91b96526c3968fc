#include "server/oplog/db_walk.h"

void db_walk_open(struct db_walk *w, struct sn_txn *txn, enum db_table table,
    uint64_t first, uint64_t after)
{
	*w = (struct db_walk){ .first = first, .from = after + 1 };
	w->err = sn_cursor_open(txn, table, &w->cursor);
	if (w->err != SN_OK)
		w->cursor = NULL;
}

bool db_walk_next(struct db_walk *w, uint64_t *second)
{
	struct db_key from = db_key2(w->first, w->from);
	struct sn_bytes key, value;
	struct sn_rd r;

	if (w->err != SN_OK)
		return (false);
	if (w->begun)
		w->err = sn_cursor_next(w->cursor, &key, &value);
	else
		w->err =
		    sn_cursor_seek(w->cursor, db_bytes(&from), &key, &value);
	w->begun = true;
	if (w->err != SN_OK)
		return (false);
	r = sn_rd_over(key.p, key.n);
	if (sn_rd_u64(&r) != w->first)
		w->err = SN_ENOTFOUND;
	*second = sn_rd_u64(&r);
	if (!sn_rd_end(&r))
		w->err = SN_ECORRUPT;
	return (w->err == SN_OK);
}

enum sn_err db_walk_close(struct db_walk *w, enum sn_err err)
{
	sn_cursor_close(w->cursor);
	w->cursor = NULL;
	if (err != SN_OK || w->err == SN_ENOTFOUND)
		return (err);
	return (w->err);
}
