#ifndef SN_CLIENT_IDENTITY_H
#define SN_CLIENT_IDENTITY_H

#include "client/profile.h"
#include "lib/tls.h"

/**
 * identity_open(profile, passphrase_fd, out, why):
 * The profile's authority, certificate and key, read and brought together.
 * An encrypted key's passphrase comes from ${passphrase_fd} (NULL: none), the
 * profile's file, or the terminal.  SN_EMODE when others can read the key.
 */
enum sn_err identity_open(const struct profile *profile,
    const char *passphrase_fd, struct sn_tls_context **out,
    struct sn_why *why) SN_MUST_USE;

#endif
