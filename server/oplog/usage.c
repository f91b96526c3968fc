#include "server/oplog/usage.h"

#include "server/base/record.h"
#include "server/oplog/db.h"

#define VERSION 1

enum sn_err usage_get(
    struct sn_txn *txn, enum usage_of of, uint64_t id, struct usage *out)
{
	struct db_key key = db_key2(of, id);
	struct sn_bytes value;
	struct sn_rd r;
	enum sn_err err;

	*out = (struct usage){ 0, 0 };
	err = sn_txn_get(txn, DB_USAGE, db_bytes(&key), &value);
	if (err != SN_OK)
		return (err == SN_ENOTFOUND ? SN_OK : err);
	if ((err = record_open(value, VERSION, &r)) != SN_OK)
		return (err);
	out->messages = sn_rd_u64(&r);
	out->bytes = sn_rd_u64(&r);
	return (sn_rd_end(&r) ? SN_OK : SN_ECORRUPT);
}

static enum sn_err drop(struct sn_txn *txn, const struct db_key *key)
{
	enum sn_err err = sn_txn_delete(txn, DB_USAGE, db_bytes(key));

	return (err == SN_ENOTFOUND ? SN_OK : err);
}

enum sn_err usage_put(
    struct sn_txn *txn, enum usage_of of, uint64_t id, const struct usage *u)
{
	uint8_t space[2 * sizeof(uint64_t) + RECORD_OVERHEAD];
	struct sn_wr w = sn_wr_over(space, sizeof(space));
	struct db_key key = db_key2(of, id);

	if (u->messages == 0 && u->bytes == 0)
		return (drop(txn, &key));
	record_begin(&w, VERSION);
	sn_wr_u64(&w, u->messages);
	sn_wr_u64(&w, u->bytes);
	record_finish(&w);
	return (sn_txn_put(
	    txn, DB_USAGE, db_bytes(&key), (struct sn_bytes){ space, w.n }));
}
