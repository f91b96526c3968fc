#ifndef CA_ALGORITHM_H
#define CA_ALGORITHM_H

#include <openssl/evp.h>

#include "lib/bytes.h"

/* A way to sign: ECDSA or RSA (PKCS #1) with SHA-2, or Ed25519. */
struct algorithm {
	const char *key;           /* OpenSSL's name of the type of its keys. */
	const EVP_MD *(*md)(void); /* NULL: it hashes by itself. */
	uint8_t bytes[18];         /* Its AlgorithmIdentifier, whole. */
	size_t n;
};

/** algorithm_of(whole): the one with this AlgorithmIdentifier; or NULL. */
const struct algorithm *algorithm_of(struct sn_bytes whole);

/** algorithm_for(key): the one this authority signs with, holding ${key};
 * NULL for a type of key that it does not use. */
const struct algorithm *algorithm_for(EVP_PKEY *key);

#endif
