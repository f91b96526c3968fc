#ifndef CA_P256_H
#define CA_P256_H

#include <stdbool.h>

#include <openssl/evp.h>

#include "ca/spki.h"
#include "lib/bytes.h"

/*
 * Signatures of many P-256 keys verified one after the other.  OpenSSL builds
 * the curve anew for each key that it is given, which takes as long as half
 * the verification; here one key is made another in its place.  For one
 * thread at a time.
 */
struct p256;

/** p256_new(): NULL without memory. */
struct p256 *p256_new(void);
void p256_free(struct p256 *p);

/** p256_take(p, point): whose signature is verified next; false, and nobody's
 * is, when the point does not lie on the curve. */
bool p256_take(struct p256 *p, const uint8_t point[SPKI_P256_POINT]);

/** p256_verify(p, md, message, signature): whether ${signature} (ECDSA, in
 * DER) is that key's of ${message}. */
bool p256_verify(struct p256 *p, const EVP_MD *md, struct sn_bytes message,
    struct sn_bytes signature);

#endif
