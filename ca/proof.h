#ifndef CA_PROOF_H
#define CA_PROOF_H

#include "ca/der.h"
#include "ca/p256.h"
#include "ca/spki.h"
#include "lib/bytes.h"
#include "lib/err.h"

/*
 * What a certificate signing request (PKCS#10, RFC 2986) proves: that
 * whoever made it holds the private half of the key in it.
 */
struct proof {
	struct spki key;
	struct der subject; /* Contents of a Name, in the request's bytes. */
	/* Contents of the Extensions that it asks for; .n is 0 for none. */
	struct der extensions;
};

/**
 * proof_read(der, p256, out, why):
 * Take one request apart with our strict cursor, for OpenSSL's objects need
 * more time than the signature, and verify that; ${p256} is worked with.
 * SN_ECERT.
 */
enum sn_err proof_read(struct sn_bytes der, struct p256 *p256,
    struct proof *out, struct sn_why *why) SN_MUST_USE;

#endif
