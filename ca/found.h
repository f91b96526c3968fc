#ifndef CA_FOUND_H
#define CA_FOUND_H

#include "ca/authority.h"
#include "lib/secret.h"

/**
 * found_root(a, passphrase, key, why): make the root's key and certificate.
 * found_issuer(a, id, root, passphrase, key, why): make issuing CA ${id},
 * signed by the root's key.  Keys are saved encrypted; both CAs are entered,
 * and the caller frees the key.  Two commands at once would take the same id:
 * hold the CRL lock (ca/crl.h).
 */
struct key;
enum sn_err found_root(struct authority *a, const struct sn_secret *passphrase,
    struct key **key, struct sn_why *why) SN_MUST_USE;
enum sn_err found_issuer(struct authority *a, uint32_t id,
    const struct key *root, const struct sn_secret *passphrase,
    struct key **key, struct sn_why *why) SN_MUST_USE;

/** found_organisation(name, why): may be an organisation's name. */
enum sn_err found_organisation(
    const char *name, struct sn_why *why) SN_MUST_USE;

#endif
