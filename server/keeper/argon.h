#ifndef SERVER_KEEPER_ARGON_H
#define SERVER_KEEPER_ARGON_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/bytes.h"
#include "lib/err.h"

/* Argon2id (RFC 9106), kept as PHC strings: "$argon2id$v=19$m=...". */
#define ARGON_PHC_MAX 128

struct argon_cost {
	uint32_t memory_kib;
	uint32_t iterations;
	uint32_t parallelism;
};

/** argon_hash(cost, password, out): a new salt each time.  SN_ENOMEM. */
enum sn_err argon_hash(const struct argon_cost *cost, struct sn_bytes password,
    char out[ARGON_PHC_MAX]) SN_MUST_USE;

/** argon_verify(phc, password): SN_EAUTH when it is another password;
 * SN_ENOMEM, SN_ECORRUPT. */
enum sn_err argon_verify(const char *phc, struct sn_bytes password) SN_MUST_USE;

/** argon_outdated(phc, cost): made at another cost than this. */
bool argon_outdated(const char *phc, const struct argon_cost *cost);

#endif
