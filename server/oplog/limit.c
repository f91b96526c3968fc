#include "server/oplog/limit.h"

#include "server/base/record.h"
#include "server/oplog/db.h"

#define VERSION 1

enum sn_err limit_own(
    struct sn_txn *txn, enum usage_of of, uint64_t id, struct limit *out)
{
	struct db_key key = db_key2(of, id);
	struct sn_bytes value;
	struct sn_rd r;
	enum sn_err err;

	*out = (struct limit){ 0, 0 };
	if ((err = sn_txn_get(txn, DB_LIMITS, db_bytes(&key), &value)) !=
		SN_OK ||
	    (err = record_open(value, VERSION, &r)) != SN_OK)
		return (err);
	out->bytes = sn_rd_u64(&r);
	out->age = sn_rd_u64(&r);
	return (sn_rd_end(&r) ? SN_OK : SN_ECORRUPT);
}

enum sn_err limit_get(
    struct sn_txn *txn, enum usage_of of, uint64_t id, struct limit *out)
{
	enum sn_err err = limit_own(txn, of, id, out);

	if (err == SN_ENOTFOUND)
		err = limit_own(txn, of, 0, out);
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

static enum sn_err drop(struct sn_txn *txn, const struct db_key *key)
{
	enum sn_err err = sn_txn_delete(txn, DB_LIMITS, db_bytes(key));

	return (err == SN_ENOTFOUND ? SN_OK : err);
}

enum sn_err limit_put(
    struct sn_txn *txn, enum usage_of of, uint64_t id, const struct limit *l)
{
	uint8_t space[2 * sizeof(uint64_t) + RECORD_OVERHEAD];
	struct sn_wr w = sn_wr_over(space, sizeof(space));
	struct db_key key = db_key2(of, id);

	if (l == NULL)
		return (drop(txn, &key));
	record_begin(&w, VERSION);
	sn_wr_u64(&w, l->bytes);
	sn_wr_u64(&w, l->age);
	record_finish(&w);
	return (sn_txn_put(
	    txn, DB_LIMITS, db_bytes(&key), (struct sn_bytes){ space, w.n }));
}
