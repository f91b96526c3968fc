#ifndef CA_SPKI_H
#define CA_SPKI_H

#include <openssl/evp.h>

#include "lib/bytes.h"
#include "lib/err.h"

#define SPKI_MAX 600 /* Of RSA with 4096 bits, and a little more. */
#define SPKI_TYPE 48
#define SPKI_P256_POINT 65 /* Uncompressed. */

/* A public key as it stands in requests and certificates
 * (SubjectPublicKeyInfo), with the name that profiles have for its type and
 * size: "p256", "rsa2048", ... or "" for a type that they know no name for. */
struct spki {
	char type[SPKI_TYPE];
	size_t n;
	uint8_t der[SPKI_MAX];
};

/** spki_of(key, out, why): of one of OpenSSL's keys. SN_ECERT. */
enum sn_err spki_of(
    EVP_PKEY *key, struct spki *out, struct sn_why *why) SN_MUST_USE;

/** spki_point(whole): the point of a P-256 key in the one form that DER has
 * for it; .n is 0 when ${whole} is anything else. */
struct sn_bytes spki_point(struct sn_bytes whole);

/** spki_p256(point, out): of such a point. */
void spki_p256(const uint8_t point[SPKI_P256_POINT], struct spki *out);

/** spki_bits(whole): the bits of the key alone, of which key identifiers are
 * made; .n is 0 when ${whole} is no SubjectPublicKeyInfo. */
struct sn_bytes spki_bits(struct sn_bytes whole);

#endif
