#include "server/base/db_key.h"

struct db_key db_key1(uint64_t a)
{
	struct db_key k;
	struct sn_wr w = sn_wr_over(k.bytes, sizeof(k.bytes));

	sn_wr_u64(&w, a);
	k.n = w.n;
	return (k);
}

struct db_key db_key2(uint64_t a, uint64_t b)
{
	struct db_key k;
	struct sn_wr w = sn_wr_over(k.bytes, sizeof(k.bytes));

	sn_wr_u64(&w, a);
	sn_wr_u64(&w, b);
	k.n = w.n;
	return (k);
}

struct sn_bytes db_bytes(const struct db_key *key)
{
	return ((struct sn_bytes){ key->bytes, key->n });
}

enum sn_err db_u64(struct sn_bytes value, uint64_t *out)
{
	struct sn_rd r = sn_rd_over(value.p, value.n);

	*out = sn_rd_u64(&r);
	return (sn_rd_end(&r) ? SN_OK : SN_ECORRUPT);
}
