#ifndef CA_PROOF_H
#define CA_PROOF_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "lib/bytes.h"
#include "lib/err.h"

/*
 * What a certificate signing request (PKCS#10, RFC 2986) proves: that
 * whoever made it holds the private half of the key in it.
 */
struct proof {
	EVP_PKEY *key;
	X509_NAME *subject;
	STACK_OF(X509_EXTENSION) * extensions; /* NULL: it asks for none. */
};

/**
 * proof_read(der, out, why):
 * Take one request apart and verify its own signature; proof_clear(out)
 * gives it back.  Its outer form is read by our strict cursor, for OpenSSL's
 * needs more time for that than for the signature.  SN_ECERT.
 */
enum sn_err proof_read(
    struct sn_bytes der, struct proof *out, struct sn_why *why) SN_MUST_USE;

void proof_clear(struct proof *proof);

#endif
