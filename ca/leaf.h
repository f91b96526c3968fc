#ifndef CA_LEAF_H
#define CA_LEAF_H

#include "ca/deliver.h"

/* A client's or server's certificate from order to files. */
struct leaf {
	enum record_kind kind;
	const char *name, *label;
	const struct profile *profile;
	unsigned days;
	struct spki request; /* Key of a CSR; .n is 0: make one. */
	bool replaces;
	bool renews;        /* What it replaces becomes due for revocation... */
	int64_t keep_old;   /* ...so many seconds later... */
	const uint8_t *old; /* ...or this serial alone; NULL: all of them. */
	const char *const *sans;
	size_t san_count;
	const char *out; /* Folder asked for; NULL for the authority's own. */
	const struct sn_secret *key_passphrase; /* NULL: key.pem is plain. */
	const char *p12;                        /* File, or NULL. */
	const struct sn_secret *p12_password;
	bool p12_compat;
	/* What was made. */
	struct issued issued;
	char folder[PATH_BYTES];
};

/** leaf_destination(leaf, out, why): where its files go, as it is written
 * into the intent: an absolute path, or one in the authority's folder. */
enum sn_err leaf_destination(const struct leaf *leaf, char out[PATH_BYTES],
    struct sn_why *why) SN_MUST_USE;

/**
 * leaf_make(a, leaf, signer, issuer, why):
 * Make the folder, the key where there is no CSR, the certificate, the
 * files.  On SN_OK the caller gives ${leaf}->issued back.  When files fail
 * after the certificate was entered, the sentence says so.
 */
enum sn_err leaf_make(struct authority *a, struct leaf *leaf,
    const struct key *signer, uint32_t issuer, struct sn_why *why) SN_MUST_USE;

#endif
