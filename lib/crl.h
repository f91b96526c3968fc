#ifndef SN_LIB_CRL_H
#define SN_LIB_CRL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "lib/bytes.h"
#include "lib/cert.h"
#include "lib/err.h"

/*
 * Revocation lists, verified once and flattened.  OpenSSL verifies a CRL's
 * signature again with each certificate, which costs milliseconds where
 * there are many entries; here a certificate costs one binary search.  A
 * set is immutable and may be read by any number of threads.
 */
struct sn_crl_set;

/* One issuer's list. */
struct sn_crl_info {
	uint8_t issuer[SN_CERT_ISSUER]; /* As of sn_cert_issuer. */
	uint64_t number;
	int64_t this_update;
	int64_t next_update;
	size_t revoked;
	char name[SN_CERT_NAME];
};

/**
 * sn_crl_read(lists, issuers, previous, now, out, why):
 * Read all CRLs of ${lists} (PEM blocks, or one DER list), each of which
 * must be a complete CRL, version 2 with a number and a nextUpdate, signed by
 * one of ${issuers}, at most one for each.  With ${previous} (NULL: none) a
 * list may not be older than the one in force of the same issuer (a lower
 * number, or the same number and other contents), nor past its nextUpdate
 * unless it is the very one in force, nor may an issuer that has one in force
 * be without, unless it ends within a day.  SN_EINVAL (not such a CRL), SN_ECERT
 * (foreign or badly signed), SN_EEXPIRED, SN_ENOMEM; on failure *${out} is
 * untouched.  The caller frees the set.
 */
enum sn_err sn_crl_read(struct sn_bytes lists, const STACK_OF(X509) * issuers,
    const struct sn_crl_set *previous, int64_t now, struct sn_crl_set **out,
    struct sn_why *why) SN_MUST_USE;

/** sn_crl_free(set): NULL is fine. */
void sn_crl_free(struct sn_crl_set *set);

/** sn_crl_find(set, issuer): that issuer's list, or NULL without one. */
const struct sn_crl_info *sn_crl_find(
    const struct sn_crl_set *set, const uint8_t issuer[SN_CERT_ISSUER]);

/** sn_crl_at(set, i): the ${i}th list, NULL behind the last. */
const struct sn_crl_info *sn_crl_at(const struct sn_crl_set *set, size_t i);

/** sn_crl_revoked(list, serial): whether the list names the serial. */
bool sn_crl_revoked(
    const struct sn_crl_info *list, const uint8_t serial[SN_CERT_SERIAL]);

#endif
