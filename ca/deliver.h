#ifndef CA_DELIVER_H
#define CA_DELIVER_H

#include "ca/authority.h"
#include "ca/issue.h"

/**
 * deliver_folder(a, to, out, why):
 * Make the folder files go to.  ${to} is absolute, or lies in the authority
 * ("people/alice/laptop"); its path is written to ${out} (PATH_BYTES).
 */
enum sn_err deliver_folder(const struct authority *a, const char *to, char *out,
    struct sn_why *why) SN_MUST_USE;

/**
 * deliver(a, issued, key, passphrase, folder, why):
 * Write key.pem (0600; when ${key} is not NULL; encrypted when
 * ${passphrase} is not NULL), ca.pem, and last the leaf with its issuer:
 * cert.pem of a client, chain.pem of a server.
 */
enum sn_err deliver(const struct authority *a, const struct issued *issued,
    const struct key *key, const struct sn_secret *passphrase,
    const char *folder, struct sn_why *why) SN_MUST_USE;

/** deliver_name(kind): "cert.pem" or "chain.pem". */
const char *deliver_name(enum record_kind kind);

#endif
