#include "ca/issue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/book.h"
#include "ca/certificate.h"
#include "ca/constraint.h"
#include "ca/inventory.h"
#include "ca/issuer.h"
#include "ca/lint.h"
#include "ca/ssl.h"

#define URN_BYTES 256
#define CN_MAX 64 /* ub-common-name */

void issue_free(struct issued *issued)
{
	X509_free(issued->certificate);
	X509_free(issued->issuer);
	issued->certificate = issued->issuer = NULL;
}

static enum sn_err load_issuer(struct authority *a, const struct order *order,
    uint32_t id, X509 **out, struct sn_why *why)
{
	struct sn_txn *txn;
	enum sn_err err;

	*out = NULL;
	if (order->kind == KIND_ROOT)
		return (SN_OK);
	if ((err = sn_txn_read(a->store, &txn)) != SN_OK)
		return (inventory_why(a->store, err, why));
	err = issuer_certificate(txn, id, out, why);
	sn_txn_abort(txn);
	return (err);
}

static int64_t end_of(X509 *x)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm) != 1)
		return (0);
	return ((int64_t)timegm(&tm));
}

/* Nothing outlives the one that vouches for it. */
static void clip(struct record *rec, X509 *issuer)
{
	if (issuer != NULL && rec->not_after > end_of(issuer))
		rec->not_after = end_of(issuer);
}

/* The certificate that an order asks for; ${urn} is where its names are. */
struct names {
	char urn[URN_BYTES];
	const char *device[1];
};

static struct blueprint blueprint(const struct authority *a,
    const struct order *order, X509 *issuer, struct names *names)
{
	struct blueprint b = {
		.kind = order->kind,
		.organisation = a->organisation,
		.common_name =
		    strlen(order->name) <= CN_MAX ? order->name : NULL,
		.key = order->key,
		.issuer = issuer,
		.profile = order->profile,
		.sans = order->sans,
		.san_count = order->san_count,
	};

	if (order->kind == KIND_CLIENT) {
		(void)snprintf(names->urn, sizeof(names->urn),
		    "uri:urn:sichernetz:account:%s:device:%s", order->name,
		    order->label);
		names->device[0] = names->urn;
		b.sans = names->device;
		b.san_count = 1;
	}
	return (b);
}

static enum sn_err check_issuer(const struct authority *a,
    const struct order *order, X509 *issuer, struct sn_why *why)
{
	struct names names;
	struct blueprint b = blueprint(a, order, issuer, &names);
	enum sn_err err;
	X509 *draft;

	if (issuer == NULL || !constraint_any(issuer))
		return (SN_OK);
	if ((err = certificate_draft(&b, &draft, why)) != SN_OK)
		return (err);
	err = constraint_check(issuer, draft, why);
	X509_free(draft);
	return (err);
}

enum sn_err issue_check(const struct authority *a, const struct order *order,
    X509 *issuer, struct sn_why *why)
{
	const char *account = order->kind == KIND_CLIENT ? order->name : NULL;
	unsigned days;
	enum sn_err err;

	if ((err = profile_allows(order->profile, order->key, why)) != SN_OK ||
	    (err = lint_public_key(order->key->der, order->key->n, why)) !=
		SN_OK ||
	    (err = profile_days(order->profile, order->days, &days, why)) !=
		SN_OK)
		return (err);
	if ((order->kind == KIND_CLIENT || order->kind == KIND_SERVER) &&
	    (err = profile_names(order->profile, account, order->sans,
		 order->san_count, why)) != SN_OK)
		return (err);
	return (check_issuer(a, order, issuer, why));
}

void issue_row(const struct order *order, uint32_t issuer, struct record *rec,
    struct intent *intent)
{
	unsigned days = order->days > 0 ? order->days : order->profile->days;

	memset(rec, 0, sizeof(*rec));
	memset(intent, 0, sizeof(*intent));
	intent->has_key = order->has_key;
	intent->renews = order->renews;
	intent->keep_old = order->keep_old;
	if (order->old != NULL)
		memcpy(intent->old, order->old, SERIAL_BYTES);
	intent->founds = order->founds;
	rec->kind = order->kind;
	rec->issuer = issuer;
	rec->not_after = (int64_t)days * DAY_SECONDS;
	rec->der = (struct sn_bytes){ "", 0 };
	(void)snprintf(rec->name, sizeof(rec->name), "%s", order->name);
	(void)snprintf(rec->label, sizeof(rec->label), "%s", order->label);
	(void)snprintf(
	    rec->profile, sizeof(rec->profile), "%s", order->profile->name);
	(void)snprintf(intent->to, sizeof(intent->to), "%s", order->to);
}

enum sn_err issue_sign(const struct authority *a, const struct order *order,
    const struct key *signer, X509 *issuer, struct record *rec, uint8_t **der,
    size_t *n, struct sn_why *why)
{
	struct names names;
	struct blueprint b = blueprint(a, order, issuer, &names);
	enum sn_err err;

	clip(rec, issuer);
	b.serial = rec->serial;
	b.not_before = rec->not_before;
	b.not_after = rec->not_after;
	if ((err = certificate_make(&b, signer, der, n, why)) != SN_OK)
		return (err);
	if ((err = lint_certificate(*der, *n, rec->kind, why)) != SN_OK) {
		free(*der);
		*der = NULL;
	}
	return (err);
}

static enum sn_err sign_and_enter(struct authority *a,
    const struct order *order, const struct key *signer, struct issued *out,
    struct sn_why *why)
{
	struct sn_bytes bytes;
	uint8_t *der;
	size_t n;
	enum sn_err err;

	err =
	    issue_sign(a, order, signer, out->issuer, &out->rec, &der, &n, why);
	if (err != SN_OK)
		return (err);
	bytes = (struct sn_bytes){ der, n };
	/* What OpenSSL cannot read does not get into the books either. */
	if ((err = ssl_certificate(bytes, &out->certificate, why)) == SN_OK)
		err = book_enter(a, &out->rec, order->replaces, bytes, why);
	out->rec.der = (struct sn_bytes){ "", 0 };
	free(der);
	return (err);
}

enum sn_err issue_ready(struct authority *a, const struct order *order,
    uint32_t issuer, struct sn_why *why)
{
	struct intent intent;
	struct record rec;
	enum sn_err err;
	X509 *x;

	if ((err = load_issuer(a, order, issuer, &x, why)) != SN_OK)
		return (err);
	err = issue_check(a, order, x, why);
	X509_free(x);
	if (err != SN_OK)
		return (err);
	issue_row(order, issuer, &rec, &intent);
	return (book_allows(a, &rec, order->replaces, &intent, why));
}

enum sn_err issue(struct authority *a, const struct order *order,
    const struct key *signer, uint32_t issuer, struct issued *out,
    struct sn_why *why)
{
	struct intent intent;
	enum sn_err err;

	memset(out, 0, sizeof(*out));
	issue_row(order, issuer, &out->rec, &intent);
	if ((err = load_issuer(a, order, issuer, &out->issuer, why)) != SN_OK)
		return (err);
	if ((err = issue_check(a, order, out->issuer, why)) != SN_OK)
		goto failed;
	if (out->issuer != NULL && !key_fits(signer, out->issuer)) {
		err = sn_why(why, SN_ECORRUPT,
		    "the key does not belong to issuer %u", issuer);
		goto failed;
	}
	err = book_reserve(a, &out->rec, order->replaces, &intent, why);
	if (err != SN_OK ||
	    (err = sign_and_enter(a, order, signer, out, why)) != SN_OK)
		goto failed;
	return (SN_OK);
failed:
	issue_free(out);
	return (err);
}
