#include "server/oplog/dedupe.h"

#include "server/oplog/db.h"

struct dedupe_key dedupe_key(const uint8_t id[SN_FRAME_ID], uint64_t sender)
{
	struct dedupe_key key;
	struct sn_wr w = sn_wr_over(key.bytes, sizeof(key.bytes));

	sn_wr_put(&w, id, SN_FRAME_ID);
	sn_wr_u64(&w, sender);
	return (key);
}

enum sn_err dedupe_find(struct sn_txn *txn, const uint8_t id[SN_FRAME_ID],
    uint64_t sender, uint64_t *seq, uint64_t *time)
{
	struct dedupe_key key = dedupe_key(id, sender);
	struct sn_bytes value;
	struct sn_rd r;
	enum sn_err err;

	err = sn_txn_get(txn, DB_DEDUPE,
	    (struct sn_bytes){ key.bytes, sizeof(key.bytes) }, &value);
	if (err != SN_OK)
		return (err);
	r = sn_rd_over(value.p, value.n);
	*seq = sn_rd_u64(&r);
	*time = sn_rd_u64(&r);
	return (sn_rd_end(&r) ? SN_OK : SN_ECORRUPT);
}
