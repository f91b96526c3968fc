#ifndef SERVER_PARENT_RESTORE_H
#define SERVER_PARENT_RESTORE_H

#include <stdio.h>

#include "lib/err.h"

/** The file that makes a backup whole; written last. */
#define RESTORE_MANIFEST "backup.json"

/** In the data folder while a restore is under way: what is there is not to
 * be served, and a restore that finds it begins again. */
#define RESTORE_MARK "restoring"

/** Places of the log that a restored server leaves out: more than were used
 * since the backup, so that no place is used twice. */
#define RESTORE_SKIP (UINT64_C(1) << 32)

/** And ids of accounts and of rooms, which are never used again either. */
#define RESTORE_SKIP_IDS (UINT64_C(1) << 20)

/**
 * restore_data(backup, data, since, to, why):
 * Copy a backup into ${data}, which must hold no database, check it, let the
 * log go on behind all places that were used since, and void the tokens of
 * then.  ${since} is the data folder that the server had last, or NULL:
 * what it knows to have been taken away since the backup stays away, and the
 * passwords are its; what was carried is told to ${to}, a line each.  On
 * failure ${data} holds no database, as before; killed, it holds none or
 * RESTORE_MARK.
 */
enum sn_err restore_data(const char *backup, const char *data,
    const char *since, FILE *to, struct sn_why *why) SN_MUST_USE;

#endif
