#ifndef CA_PROFILE_H
#define CA_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/evp.h>

#include "lib/err.h"

#define DAY_SECONDS INT64_C(86400)

/* What a kind of certificate looks like; the admin's choice. */
struct profile {
	const char *name;
	unsigned days;
	const char *key;          /* Type of the keys we make. */
	const char *allowed_keys; /* Types a CSR may bring: "p256,rsa2048". */
	bool client_auth, server_auth;
};

/** profile_builtin(name): "root", "issuer", "client" or "server"; or NULL. */
const struct profile *profile_builtin(const char *name);

/** profile_allows(profile, key, why): the key's type and size. SN_ECERT. */
enum sn_err profile_allows(const struct profile *profile, EVP_PKEY *key,
    struct sn_why *why) SN_MUST_USE;

#endif
