#ifndef CA_AUTHORITY_H
#define CA_AUTHORITY_H

#include <limits.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/store.h"

#define ORGANISATION_BYTES 65 /* X.520's limit is 64 characters. */

/*
 * An authority's folder:
 *
 *	ca.pem      the root's and the issuing certificates: the trust file
 *	crl.pem     the CRLs of the issuing CA and of the root
 *	sicher-ca.conf           the admin's rules, see ca/policy.h
 *	private/    keys, encrypted
 *	inventory/  the books, and where they ended (ca/head.h)
 *	servers/HOST/            chain.pem key.pem ca.pem
 *	people/ACCOUNT/DEVICE/   cert.pem key.pem ca.pem
 */
struct authority {
	char dir[PATH_MAX - 512];
	char organisation[ORGANISATION_BYTES];
	struct sn_store *store;
	int64_t crl_life, crl_root_life; /* Seconds a CRL is good for. */
	int running; /* Descriptor whose shared lock says: at work. */
};

/** Room for any path in the folder. */
#define PATH_BYTES PATH_MAX

/** authority_create(dir, organisation, out, why): a new, empty folder with
 * empty books, opened.  SN_EEXISTS. */
enum sn_err authority_create(const char *dir, const char *organisation,
    struct authority **out, struct sn_why *why) SN_MUST_USE;

/** authority_folders(dir, why): the folders in an authority's folder, where
 * they are missing. */
enum sn_err authority_folders(const char *dir, struct sn_why *why) SN_MUST_USE;

/** authority_open(dir, read_only, out, why): SN_ENOTFOUND where there is
 * none, SN_EMODE where others may look at its keys. */
enum sn_err authority_open(const char *dir, bool read_only,
    struct authority **out, struct sn_why *why) SN_MUST_USE;

void authority_close(struct authority *a);

/** authority_path(a, out, format, ...): a path in the folder; ${out} has
 * PATH_BYTES; returns it. */
const char *authority_path(const struct authority *a, char *out,
    const char *format, ...) SN_PRINTF(3, 4);

/** authority_alone(a): try to be the only command at work on the folder; the
 * lock falls back to shared with authority_together. */
bool authority_alone(const struct authority *a);
void authority_together(const struct authority *a);

/**
 * authority_now(txn, now, why):
 * The time to write into the books: the clock's, but never before the last
 * one written.  SN_EDENIED when the clock stands clearly behind it, for a
 * certificate would then seem older than it is; *${now} is set all the same.
 */
enum sn_err authority_now(
    struct sn_txn *txn, int64_t *now, struct sn_why *why) SN_MUST_USE;

/** authority_touch(txn, now): remember ${now} as the last time written. */
enum sn_err authority_touch(struct sn_txn *txn, int64_t now) SN_MUST_USE;

#endif
