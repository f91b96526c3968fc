#include "server/keeper/keeper_check.h"

#include <stdio.h>

#include "server/base/record.h"
#include "server/keeper/keeper_db.h"

static void look(struct keeper_check *c, enum keeper_db_table table,
    struct sn_bytes key, struct sn_bytes value)
{
	struct sn_rd k = sn_rd_over(key.p, key.n), r;
	char text[256];
	enum sn_err err;

	c->accounts += table == KEEPER_DB_ACCOUNTS;
	/* Of any version: whether this sicherd knows it is another matter. */
	if ((err = record_open(value, UINT8_MAX, &r)) == SN_OK)
		return;
	(void)snprintf(text, sizeof(text), "keeper's %s: %llu: %s",
	    keeper_db_table_name(table), (unsigned long long)sn_rd_u64(&k),
	    sn_err_text(err));
	c->finding(c->arg, text);
}

static enum sn_err walk(
    struct sn_txn *txn, struct keeper_check *c, enum keeper_db_table table)
{
	struct sn_bytes key, value;
	struct sn_cursor *cursor;
	enum sn_err err;

	c->at(c->arg, keeper_db_table_name(table));
	if ((err = sn_cursor_open(txn, table, &cursor)) != SN_OK)
		return (err);
	for (err = sn_cursor_first(cursor, &key, &value); err == SN_OK;
	     err = sn_cursor_next(cursor, &key, &value))
		look(c, table, key, value);
	sn_cursor_close(cursor);
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

enum sn_err keeper_check(
    const char *dir, struct keeper_check *c, struct sn_why *why)
{
	struct sn_store *store;
	struct sn_txn *txn;
	enum sn_err err;

	c->accounts = 0;
	if ((err = keeper_db_open_to_read(dir, &store, why)) != SN_OK)
		return (err);
	if ((err = sn_txn_read(store, &txn)) == SN_OK) {
		/* META's values are bare numbers. */
		for (unsigned t = KEEPER_DB_META + 1;
		     err == SN_OK && t < KEEPER_DB_COUNT; t++)
			err = walk(txn, c, t);
		sn_txn_abort(txn);
	}
	sn_store_close(store);
	return (err == SN_OK ? SN_OK
			     : sn_why(why, err, "%s could not be walked: %s",
				   dir, sn_err_text(err)));
}
