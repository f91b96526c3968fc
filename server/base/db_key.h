#ifndef SERVER_BASE_DB_KEY_H
#define SERVER_BASE_DB_KEY_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "lib/bytes.h"
#include "lib/err.h"

/*
 * Keys and values that are numbers: 8 bytes each, big-endian, so that the
 * order in a table is the order of the numbers.
 */
struct db_key {
	uint8_t bytes[24];
	size_t n;
};

/** db_key1(a), db_key2(a, b): the key of one number, or of two.  Several of
 * each message's: written in place. */
static inline struct db_key db_key2(uint64_t a, uint64_t b)
{
	uint64_t big[2] = { htobe64(a), htobe64(b) };
	struct db_key k;

	k.n = sizeof(big);
	memcpy(k.bytes, big, sizeof(big));
	return (k);
}

static inline struct db_key db_key1(uint64_t a)
{
	struct db_key k = db_key2(a, 0);

	k.n = sizeof(a);
	return (k);
}

/** db_bytes(key): its bytes; they live as long as the key. */
static inline struct sn_bytes db_bytes(const struct db_key *key)
{
	return ((struct sn_bytes){ key->bytes, key->n });
}

/** db_u64(value, out): a value of one number; SN_ECORRUPT otherwise. */
enum sn_err db_u64(struct sn_bytes value, uint64_t *out) SN_MUST_USE;

#endif
