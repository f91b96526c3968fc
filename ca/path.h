#ifndef CA_PATH_H
#define CA_PATH_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "lib/err.h"

/*
 * A certificate's path up to a trusted CA, verified as RFC 5280, section 6
 * has it: signatures, validity, constraints, policies, and a revocation list
 * in force for every CA on the way.
 */
struct path {
	STACK_OF(X509) * trusted;         /* Roots. */
	STACK_OF(X509) * others;          /* CAs that may be on the way. */
	STACK_OF(X509_CRL) * lists;       /* Complete, delta or indirect. */
	int64_t at;                       /* When; 0 is now. */
	int purpose;                      /* X509_PURPOSE_..., or -1 for any. */
	STACK_OF(ASN1_OBJECT) * policies; /* That will do; NULL for any. */
	bool explicit_policy;             /* One of them must be in force. */
	bool inhibit_mapping, inhibit_any;
};

/** path_init(p): empty, for now and any purpose.  SN_ENOMEM.
 * path_clear(p) gives back what it holds, after a failed init, too. */
enum sn_err path_init(struct path *p) SN_MUST_USE;
void path_clear(struct path *p);

/** path_add_certificates, path_add_lists: those of a PEM file, or the one of
 * a DER file, appended to ${to}.  SN_EINVAL when there is none. */
enum sn_err path_add_certificates(
    STACK_OF(X509) * to, const char *file, struct sn_why *why) SN_MUST_USE;
enum sn_err path_add_lists(
    STACK_OF(X509_CRL) * to, const char *file, struct sn_why *why) SN_MUST_USE;

/** path_add_policy(p, oid, why): SN_EINVAL. */
enum sn_err path_add_policy(
    struct path *p, const char *oid, struct sn_why *why) SN_MUST_USE;

/**
 * path_verify(p, leaf, chain, why):
 * SN_OK and the path found, ${leaf} first, for the caller to free; or
 * SN_EREVOKED, SN_EEXPIRED, SN_ECERT with the certificate that is wrong.
 */
enum sn_err path_verify(const struct path *p, X509 *leaf,
    STACK_OF(X509) * *chain, struct sn_why *why) SN_MUST_USE;

#endif
