#ifndef CA_CRL_H
#define CA_CRL_H

#include "ca/authority.h"
#include "ca/issuer.h"
#include "ca/key.h"

/**
 * crl_lock(a, out, why): one command at a time signs and publishes CRLs, so
 * that the file never goes back to an older one.  crl_unlock(fd).
 */
enum sn_err crl_lock(
    const struct authority *a, int *out, struct sn_why *why) SN_MUST_USE;
void crl_unlock(int fd);

/**
 * crl_sign(a, id, key, out, why):
 * With the lock held: reserve the next number of the authority (durable), sign a CRL of all
 * that is revoked, and keep it in the books.  *${out} tells its number and
 * times.  Entries stay until one CRL past their certificate's end (RFC 5280,
 * 3.3).
 */
enum sn_err crl_sign(struct authority *a, uint32_t id, const struct key *key,
    struct issuer *out, struct sn_why *why) SN_MUST_USE;

/** crl_kept(txn, id, out): the CRL of issuer ${id} that the books keep.
 * SN_ENOTFOUND for a CA whose making was cut short, SN_ECORRUPT. */
enum sn_err crl_kept(
    struct sn_txn *txn, uint32_t id, X509_CRL **out) SN_MUST_USE;

/** crl_revoke(txn, rec, reason, now): mark one certificate and list it; its
 * issuer's CRL is stale from here. */
enum sn_err crl_revoke(struct sn_txn *txn, struct record *rec, uint8_t reason,
    int64_t now) SN_MUST_USE;

#endif
