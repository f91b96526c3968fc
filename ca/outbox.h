#ifndef CA_OUTBOX_H
#define CA_OUTBOX_H

#include "ca/authority.h"

/*
 * The files that others read: ca.pem, whom to trust, and crl.pem, what is
 * revoked.  Each is written whole, and only when it changes.  A server that
 * meets a list of a CA it does not trust refuses all of them, so whom to
 * trust is always written first, and taken away last.
 */

/** outbox_trust(a, path, why): a trust file: the certificates of every
 * issuing CA and of the root. */
enum sn_err outbox_trust(const struct authority *a, const char *path,
    struct sn_why *why) SN_MUST_USE;

/**
 * outbox_publish(a, why):
 * With the CRL lock held: ca.pem in the authority's folder and in those of
 * its servers, then crl.pem with the lists that are in the books.
 */
enum sn_err outbox_publish(
    const struct authority *a, struct sn_why *why) SN_MUST_USE;

#endif
