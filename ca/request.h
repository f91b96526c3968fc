#ifndef CA_REQUEST_H
#define CA_REQUEST_H

#include <openssl/evp.h>

#include "lib/bytes.h"
#include "lib/err.h"

/* No certificate signing request is larger. */
#define REQUEST_MAX 65536

/**
 * request_key(text, name, out, why):
 * The public key of a CSR (PEM or DER), after its proof of possession has
 * been checked.  Nothing else is taken from it; but a CSR that names
 * another subject than ${name} (when it names any), or asks to be a CA, is
 * refused, for somebody has mixed something up.  SN_ECERT.
 */
enum sn_err request_key(struct sn_bytes text, const char *name, EVP_PKEY **out,
    struct sn_why *why) SN_MUST_USE;

/** request_load(path, name, out, why): the same of a file; "-" is standard
 * input. */
enum sn_err request_load(const char *path, const char *name, EVP_PKEY **out,
    struct sn_why *why) SN_MUST_USE;

#endif
