#include "server/keeper/keeper_db.h"

#include "server/base/db_key.h"

#define FORMAT 1
#define READERS 8

static const struct sn_store_table tables[KEEPER_DB_COUNT] = {
	[KEEPER_DB_META] = { .name = "meta" },
	[KEEPER_DB_ACCOUNTS] = { .name = "accounts" },
	[KEEPER_DB_FAILURES] = { .name = "failures" },
	[KEEPER_DB_BUDGETS] = { .name = "budgets" },
	[KEEPER_DB_KEYS] = { .name = "keys" },
};

static const char format_name[] = "format";

static enum sn_err write_format(struct sn_store *store, struct sn_why *why)
{
	const struct db_key now = db_key1(FORMAT);
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = sn_txn_write(store, &txn)) == SN_OK) {
		err = sn_txn_put(txn, KEEPER_DB_META, sn_bytes_of(format_name),
		    db_bytes(&now));
		if (err == SN_OK)
			err = sn_txn_commit(txn);
		else
			sn_txn_abort(txn);
	}
	return (err == SN_OK ? SN_OK
			     : sn_why(why, err,
				   "cannot write to the keeper's database: %s",
				   sn_store_reason(store)));
}

static enum sn_err check_format(struct sn_store *store, struct sn_why *why)
{
	struct sn_bytes value;
	struct sn_txn *txn;
	uint64_t format = FORMAT;
	enum sn_err err;

	if ((err = sn_txn_read(store, &txn)) == SN_OK) {
		err = sn_txn_get(
		    txn, KEEPER_DB_META, sn_bytes_of(format_name), &value);
		if (err == SN_OK)
			err = db_u64(value, &format);
		sn_txn_abort(txn);
	}
	if (err == SN_ENOTFOUND)
		return (write_format(store, why));
	if (err == SN_OK && format > FORMAT)
		err = SN_ENEWER;
	if (err != SN_OK)
		return (sn_why(why, err,
		    err == SN_ENEWER
			? "a newer sicherd wrote the keeper's database; run "
			  "that one, or restore a backup of this version"
			: "cannot read the format of the keeper's database"));
	return (SN_OK);
}

enum sn_err keeper_db_open(const char *dir, uint64_t map_size,
    atomic_int *latch, struct sn_store **out, struct sn_why *why)
{
	struct sn_store_options options = {
		.dir = dir,
		.map_size = map_size,
		.max_readers = READERS,
		.tables = tables,
		.table_count = KEEPER_DB_COUNT,
		.settle = true,
		.latch = latch,
	};
	struct sn_store *store;
	enum sn_err err;

	if ((err = sn_store_open(&options, &store, why)) != SN_OK)
		return (err);
	if ((err = check_format(store, why)) != SN_OK) {
		sn_store_close(store);
		return (err);
	}
	*out = store;
	return (SN_OK);
}

enum sn_err keeper_db_open_to_read(
    const char *dir, struct sn_store **out, struct sn_why *why)
{
	struct sn_store_options options = {
		.dir = dir,
		.max_readers = READERS,
		.tables = tables,
		.table_count = KEEPER_DB_COUNT,
		.read_only = true,
	};

	return (sn_store_open(&options, out, why));
}

const char *keeper_db_table_name(enum keeper_db_table table)
{
	return (tables[table].name);
}

enum sn_err keeper_db_sweep(struct sn_txn *txn, enum keeper_db_table table,
    bool (*gone)(void *arg, struct sn_bytes key, struct sn_bytes value),
    void *arg, uint64_t *removed)
{
	struct sn_bytes key, value;
	struct sn_cursor *c;
	enum sn_err err;

	if ((err = sn_cursor_open(txn, table, &c)) != SN_OK)
		return (err);
	err = sn_cursor_first(c, &key, &value);
	while (err == SN_OK) {
		if (gone(arg, key, value)) {
			if ((err = sn_cursor_delete(c)) != SN_OK)
				break;
			(*removed)++;
		}
		err = sn_cursor_next(c, &key, &value);
	}
	sn_cursor_close(c);
	return (err == SN_ENOTFOUND ? SN_OK : err);
}
