#ifndef CA_CONSTRAINT_H
#define CA_CONSTRAINT_H

#include <stdbool.h>

#include <openssl/x509v3.h>

#include "lib/err.h"

/** constraint_any(issuer): whether there is anything to check. */
bool constraint_any(X509 *issuer);

/**
 * constraint_check(issuer, draft, why):
 * Whether the name constraints of the CA certificate ${issuer} (RFC 5280,
 * 4.2.1.10), when it has any, allow the names of a certificate it is to
 * sign; ${draft} bears these and is not signed.  SN_EDENIED with the name.
 */
enum sn_err constraint_check(
    X509 *issuer, X509 *draft, struct sn_why *why) SN_MUST_USE;

#endif
