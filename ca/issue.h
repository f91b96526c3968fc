#ifndef CA_ISSUE_H
#define CA_ISSUE_H

#include "ca/authority.h"
#include "ca/book.h"
#include "ca/key.h"
#include "ca/profile.h"
#include "ca/record.h"

/* What is asked for. */
struct order {
	enum record_kind kind;
	const char *name;  /* Account, host, or the CA's common name. */
	const char *label; /* Device; "" for others. */
	const struct profile *profile;
	unsigned days; /* 0: the profile's. */
	const struct spki *key;
	bool has_key;       /* We hold the private half. */
	bool replaces;      /* Another valid one for this device is fine. */
	bool renews;        /* The others become due for revocation... */
	int64_t keep_old;   /* ...so many seconds later... */
	const uint8_t *old; /* ...or this serial alone; NULL: all of them. */
	uint32_t founds;    /* CAs: the id that it begins. */
	const char *const *sans; /* Servers: "dns:..." and "ip:...". */
	size_t san_count;
	const char *to; /* Folder its files go to, or "". */
};

struct issued {
	struct record rec; /* ${rec}.der is empty: see ${certificate}. */
	X509 *certificate;
	X509 *issuer; /* NULL for the root. */
};

/**
 * issue_check(a, order, issuer, why):
 * Every rule of the profile and of the issuer's certificate (NULL for the
 * root's own), before anything is written or signed.  SN_ECERT, SN_EDENIED
 * with the rule.
 */
enum sn_err issue_check(const struct authority *a, const struct order *order,
    X509 *issuer, struct sn_why *why) SN_MUST_USE;

/**
 * issue_ready(a, order, issuer, why):
 * What issue() would refuse before it writes anything, refused without it:
 * for whoever makes ready for the certificate's files.
 */
enum sn_err issue_ready(struct authority *a, const struct order *order,
    uint32_t issuer, struct sn_why *why) SN_MUST_USE;

/**
 * issue(a, order, signer, issuer, out, why):
 * issue_check; then reserve, sign, lint, enter.  ${issuer} is the id of the CA
 * that signs with ${signer}.  When this returns SN_OK the certificate is in
 * the books, and the caller writes its files and calls book_delivered.
 */
enum sn_err issue(struct authority *a, const struct order *order,
    const struct key *signer, uint32_t issuer, struct issued *out,
    struct sn_why *why) SN_MUST_USE;

/* The steps of issue(), for whoever issues many at once (ca/batch.c). */

/** issue_row(order, issuer, rec, intent): what book_reserve is given. */
void issue_row(const struct order *order, uint32_t issuer, struct record *rec,
    struct intent *intent);

/**
 * issue_sign(a, order, signer, issuer, rec, der, n, why):
 * Sign what ${rec} says, once its serial is reserved, below ${issuer}, and
 * look at it with the linter: its DER for book_enter, malloc'd.
 */
enum sn_err issue_sign(const struct authority *a, const struct order *order,
    const struct key *signer, X509 *issuer, struct record *rec, uint8_t **der,
    size_t *n, struct sn_why *why) SN_MUST_USE;

void issue_free(struct issued *issued);

#endif
