#include "ca/issue.h"

#include <stdio.h>
#include <string.h>

#include "ca/book.h"
#include "ca/certificate.h"
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

static enum sn_err sign(const struct authority *a, const struct order *order,
    const struct key *signer, struct issued *out, struct sn_why *why)
{
	char urn[URN_BYTES];
	const char *const device[1] = { urn };
	struct blueprint b = {
		.kind = order->kind,
		.organisation = a->organisation,
		.common_name =
		    strlen(order->name) <= CN_MAX ? order->name : NULL,
		.serial = out->rec.serial,
		.not_before = out->rec.not_before,
		.not_after = out->rec.not_after,
		.key = order->key,
		.issuer = out->issuer,
		.profile = order->profile,
		.sans = order->sans,
		.san_count = order->san_count,
	};

	if (order->kind == KIND_CLIENT) {
		(void)snprintf(urn, sizeof(urn),
		    "uri:urn:sichernetz:account:%s:device:%s", order->name,
		    order->label);
		b.sans = device;
		b.san_count = 1;
	}
	return (certificate_make(&b, signer, &out->certificate, why));
}

static enum sn_err enter(
    struct authority *a, struct issued *out, struct sn_why *why)
{
	uint8_t *der;
	size_t n;
	enum sn_err err;

	if ((err = ssl_der(out->certificate, &der, &n)) != SN_OK)
		return (sn_why(why, err, "cannot encode the certificate"));
	if ((err = lint_certificate(der, n, out->rec.kind, why)) == SN_OK)
		err =
		    book_enter(a, &out->rec, (struct sn_bytes){ der, n }, why);
	out->rec.der = (struct sn_bytes){ "", 0 };
	OPENSSL_free(der);
	return (err);
}

enum sn_err issue(struct authority *a, const struct order *order,
    const struct key *signer, uint32_t issuer, struct issued *out,
    struct sn_why *why)
{
	unsigned days = order->days > 0 ? order->days : order->profile->days;
	struct intent intent = { .has_key = order->has_key };
	struct record *rec = &out->rec;
	enum sn_err err;

	memset(out, 0, sizeof(*out));
	rec->kind = order->kind;
	rec->issuer = issuer;
	rec->not_after = (int64_t)days * DAY_SECONDS;
	rec->der = (struct sn_bytes){ "", 0 };
	(void)snprintf(rec->name, sizeof(rec->name), "%s", order->name);
	(void)snprintf(rec->label, sizeof(rec->label), "%s", order->label);
	(void)snprintf(
	    rec->profile, sizeof(rec->profile), "%s", order->profile->name);
	(void)snprintf(intent.to, sizeof(intent.to), "%s", order->to);
	if ((err = profile_allows(order->profile, order->key, why)) != SN_OK ||
	    (err = load_issuer(a, order, issuer, &out->issuer, why)) != SN_OK)
		return (err);
	if (out->issuer != NULL && !key_fits(signer, out->issuer)) {
		err = sn_why(why, SN_ECORRUPT,
		    "the key does not belong to issuer %u", issuer);
		goto failed;
	}
	err = book_reserve(a, rec, order->replaces, &intent, why);
	if (err != SN_OK)
		goto failed;
	clip(rec, out->issuer);
	if ((err = sign(a, order, signer, out, why)) != SN_OK ||
	    (err = enter(a, out, why)) != SN_OK)
		goto failed;
	return (SN_OK);
failed:
	issue_free(out);
	return (err);
}
