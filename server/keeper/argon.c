#include "server/keeper/argon.h"

#include <stdio.h>
#include <string.h>

#include <argon2.h>

#include "lib/secret.h"

#define SALT_BYTES 16
#define HASH_BYTES 32

enum sn_err argon_hash(const struct argon_cost *cost, struct sn_bytes password,
    char out[ARGON_PHC_MAX])
{
	uint8_t salt[SALT_BYTES];
	int rc;

	sn_secret_random(salt, sizeof(salt));
	rc = argon2id_hash_encoded(cost->iterations, cost->memory_kib,
	    cost->parallelism, password.p, password.n, salt, sizeof(salt),
	    HASH_BYTES, out, ARGON_PHC_MAX);
	if (rc == ARGON2_OK)
		return (SN_OK);
	return (rc == ARGON2_MEMORY_ALLOCATION_ERROR ? SN_ENOMEM : SN_ECRYPTO);
}

enum sn_err argon_verify(const char *phc, struct sn_bytes password)
{
	switch (argon2id_verify(phc, password.p, password.n)) {
	case ARGON2_OK:
		return (SN_OK);
	case ARGON2_VERIFY_MISMATCH:
		return (SN_EAUTH);
	case ARGON2_MEMORY_ALLOCATION_ERROR:
	case ARGON2_THREAD_FAIL:
		return (SN_ENOMEM);
	default:
		return (SN_ECORRUPT);
	}
}

bool argon_outdated(const char *phc, const struct argon_cost *cost)
{
	char want[64];

	(void)snprintf(want, sizeof(want), "$argon2id$v=%d$m=%u,t=%u,p=%u$",
	    (int)ARGON2_VERSION_NUMBER, cost->memory_kib, cost->iterations,
	    cost->parallelism);
	return (strncmp(phc, want, strlen(want)) != 0);
}
