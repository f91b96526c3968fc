#ifndef CA_REQUEST_H
#define CA_REQUEST_H

#include "ca/p256.h"
#include "ca/spki.h"
#include "lib/bytes.h"
#include "lib/err.h"

/* No certificate signing request is larger. */
#define REQUEST_MAX 65536

/**
 * request_key(text, name, p256, out, why):
 * The public key of a CSR (PEM or DER), after its proof of possession has
 * been checked, which ${p256} is worked with.  Nothing else is taken from it; but a CSR that names
 * another subject than ${name} (when it names any), or asks to be a CA, is
 * refused, for somebody has mixed something up.  SN_ECERT.
 */
enum sn_err request_key(struct sn_bytes text, const char *name,
    struct p256 *p256, struct spki *out, struct sn_why *why) SN_MUST_USE;

/** request_load(path, name, out, why): the same of a file; "-" is standard
 * input. */
enum sn_err request_load(const char *path, const char *name, struct spki *out,
    struct sn_why *why) SN_MUST_USE;

#endif
