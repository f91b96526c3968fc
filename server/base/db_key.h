#ifndef SERVER_BASE_DB_KEY_H
#define SERVER_BASE_DB_KEY_H

#include <stdint.h>

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

/** db_key1(a), db_key2(a, b): the key of one number, or of two. */
struct db_key db_key1(uint64_t a);
struct db_key db_key2(uint64_t a, uint64_t b);

/** db_bytes(key): its bytes; they live as long as the key. */
struct sn_bytes db_bytes(const struct db_key *key);

/** db_u64(value, out): a value of one number; SN_ECORRUPT otherwise. */
enum sn_err db_u64(struct sn_bytes value, uint64_t *out) SN_MUST_USE;

#endif
