#include "server/oplog/db.h"

#include <string.h>

#include "server/oplog/db_migrate.h"

static const struct sn_store_table tables[DB_TABLE_COUNT] = {
#define X(table, text) [DB_##table] = { .name = text },
	DB_TABLES(X)
#undef X
};

static enum sn_err write_format(struct sn_store *store, struct sn_why *why)
{
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = sn_txn_write(store, &txn)) == SN_OK) {
		err = db_meta_set(txn, DB_META_FORMAT, DB_FORMAT);
		if (err == SN_OK)
			err = sn_txn_commit(txn);
		else
			sn_txn_abort(txn);
	}
	if (err != SN_OK)
		return (sn_why(why, err, "cannot write to the database: %s",
		    sn_store_reason(store)));
	return (SN_OK);
}

static enum sn_err is_used(struct sn_txn *txn, bool *out)
{
	uint64_t accounts, places;
	enum sn_err err;

	if ((err = sn_txn_count(txn, DB_ACCOUNTS, &accounts)) == SN_OK &&
	    (err = sn_txn_count(txn, DB_LOG, &places)) == SN_OK)
		*out = accounts + places > 0;
	return (err);
}

/* Writes the format into a new database, refuses a newer one. */
static enum sn_err check_format(
    struct sn_store *store, uint64_t *format, struct sn_why *why)
{
	struct sn_txn *txn;
	bool used;
	enum sn_err err;

	if ((err = sn_txn_read(store, &txn)) == SN_OK) {
		if ((err = db_meta(txn, DB_META_FORMAT, format)) == SN_OK)
			err = is_used(txn, &used);
		sn_txn_abort(txn);
	}
	if (err != SN_OK)
		return (sn_why(why, err, "cannot read the database's format"));
	if (*format > DB_FORMAT)
		return (sn_why(why, SN_ENEWER,
		    "the database has format %llu and this sicherd knows %d; "
		    "run the newer sicherd, or restore a backup of this "
		    "version",
		    (unsigned long long)*format, DB_FORMAT));
	if (*format != 0)
		return (SN_OK);
	if (used)
		return (sn_why(why, SN_ECORRUPT,
		    "the database does not say its format any more: it is "
		    "damaged; restore it from a backup"));
	*format = DB_FORMAT;
	return (write_format(store, why));
}

enum sn_err db_open(const char *dir, uint64_t map_size, unsigned readers,
    atomic_int *latch, struct sn_store **out, struct sn_why *why)
{
	struct sn_store_options options = {
		.dir = dir,
		.map_size = map_size,
		.max_readers = readers,
		.tables = tables,
		.table_count = DB_TABLE_COUNT,
		.settle = true,
		.latch = latch,
	};
	struct sn_store *store;
	uint64_t format;
	enum sn_err err;

	if ((err = sn_store_open(&options, &store, why)) != SN_OK)
		return (err);
	err = check_format(store, &format, why);
	if (err == SN_OK && format < DB_FORMAT)
		err = db_migrate(store, dir, format, why);
	if (err != SN_OK) {
		sn_store_close(store);
		return (err);
	}
	*out = store;
	return (SN_OK);
}

enum sn_err db_open_to_read(
    const char *dir, struct sn_store **out, struct sn_why *why)
{
	struct sn_store_options options = {
		.dir = dir,
		.max_readers = 126,
		.tables = tables,
		.table_count = DB_TABLE_COUNT,
		.read_only = true,
	};

	return (sn_store_open(&options, out, why));
}

enum sn_err db_last_seq(struct sn_store *store, uint64_t *out)
{
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = sn_txn_read(store, &txn)) != SN_OK)
		return (err);
	err = db_meta(txn, DB_META_LAST_SEQ, out);
	sn_txn_abort(txn);
	return (err);
}

static enum sn_err skip(struct sn_txn *txn, const char *name, uint64_t by)
{
	uint64_t last;
	enum sn_err err = db_meta(txn, name, &last);

	return (err != SN_OK ? err : db_meta_set(txn, name, last + by));
}

enum sn_err db_skip(struct sn_store *store, uint64_t places, uint64_t ids)
{
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = sn_txn_write(store, &txn)) != SN_OK)
		return (err);
	if ((err = db_meta_set(txn, DB_META_JOURNAL, 0)) == SN_OK &&
	    (err = skip(txn, DB_META_LAST_SEQ, places)) == SN_OK &&
	    (err = skip(txn, DB_META_LAST_ACCOUNT, ids)) == SN_OK &&
	    (err = skip(txn, DB_META_LAST_ROOM, ids)) == SN_OK)
		return (sn_txn_commit(txn));
	sn_txn_abort(txn);
	return (err);
}

const char *db_table_name(enum db_table table)
{
	return (tables[table].name);
}

enum sn_err db_get_u64(
    struct sn_txn *txn, enum db_table table, struct sn_bytes key, uint64_t *out)
{
	struct sn_bytes value;
	enum sn_err err;

	if ((err = sn_txn_get(txn, table, key, &value)) != SN_OK)
		return (err);
	return (db_u64(value, out));
}

enum sn_err db_put_u64(struct sn_txn *txn, enum db_table table,
    struct sn_bytes key, uint64_t value)
{
	struct db_key v = db_key1(value);

	return (sn_txn_put(txn, table, key, db_bytes(&v)));
}

enum sn_err db_meta(struct sn_txn *txn, const char *name, uint64_t *out)
{
	enum sn_err err = db_get_u64(txn, DB_META, sn_bytes_of(name), out);

	if (err != SN_ENOTFOUND)
		return (err);
	*out = 0;
	return (SN_OK);
}

enum sn_err db_meta_set(struct sn_txn *txn, const char *name, uint64_t value)
{
	return (db_put_u64(txn, DB_META, sn_bytes_of(name), value));
}
