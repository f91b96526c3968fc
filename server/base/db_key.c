#include "server/base/db_key.h"

#include <endian.h>
#include <string.h>

/* Several of each message's: written without a cursor. */
static void put(uint8_t *to, uint64_t n)
{
	uint64_t big = htobe64(n);

	memcpy(to, &big, sizeof(big));
}

struct db_key db_key1(uint64_t a)
{
	struct db_key k = { .n = sizeof(a) };

	put(k.bytes, a);
	return (k);
}

struct db_key db_key2(uint64_t a, uint64_t b)
{
	struct db_key k = { .n = sizeof(a) + sizeof(b) };

	put(k.bytes, a);
	put(k.bytes + sizeof(a), b);
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
