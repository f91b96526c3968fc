#include "ca/carry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "ca/book.h"
#include "ca/crl.h"
#include "ca/crl_list.h"
#include "ca/due.h"
#include "ca/inventory.h"
#include "ca/issuer.h"
#include "ca/ssl.h"

#define URN "urn:sichernetz:account:"
#define URN_DEVICE ":device:"

/* A name no account can have: of a certificate known by its serial alone. */
#define UNKNOWN "?"

static int64_t seconds(const ASN1_TIME *t)
{
	struct tm tm;

	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1)
		return (0);
	return ((int64_t)timegm(&tm));
}

static bool read_serial(const ASN1_INTEGER *serial, uint8_t *out)
{
	BIGNUM *n = ASN1_INTEGER_to_BN(serial, NULL);
	bool ok = n != NULL && !BN_is_negative(n) &&
		  BN_bn2binpad(n, out, SERIAL_BYTES) > 0;

	BN_free(n);
	return (ok);
}

/* The CA whose key has signed it, by trying each; SN_ENOTFOUND. */
static enum sn_err signer_of(
    struct sn_txn *to, X509 *x, X509_CRL *crl, uint32_t *id, int64_t *end)
{
	struct issuer i;
	enum sn_err err;
	X509 *ca;

	for (*id = ISSUER_ROOT;; ++*id) {
		int ok;

		if ((err = issuer_from(to, *id, &i)) != SN_OK ||
		    (err = issuer_certificate(to, i.id, &ca, NULL)) != SN_OK)
			return (err);
		*id = i.id;
		ok = x != NULL ? X509_verify(x, X509_get0_pubkey(ca))
			       : X509_CRL_verify(crl, X509_get0_pubkey(ca));
		*end = seconds(X509_get0_notAfter(ca));
		X509_free(ca);
		ERR_clear_error();
		if (ok == 1)
			return (SN_OK);
	}
}

static void get_name(X509 *x, struct record *rec)
{
	GENERAL_NAMES *all =
	    X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);

	(void)X509_NAME_get_text_by_NID(X509_get_subject_name(x),
	    NID_commonName, rec->name, sizeof(rec->name));
	for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(all, i);
		char text[NAME_BYTES + LABEL_BYTES + 64], *label;

		if (g->type != GEN_URI ||
		    (size_t)ASN1_STRING_length(g->d.ia5) >= sizeof(text))
			continue;
		(void)snprintf(text, sizeof(text), "%.*s",
		    ASN1_STRING_length(g->d.ia5),
		    (const char *)ASN1_STRING_get0_data(g->d.ia5));
		if (strncmp(text, URN, strlen(URN)) != 0 ||
		    (label = strstr(text, URN_DEVICE)) == NULL)
			continue;
		*label = '\0';
		(void)snprintf(
		    rec->name, sizeof(rec->name), "%.255s", text + strlen(URN));
		(void)snprintf(rec->label, sizeof(rec->label), "%.64s",
		    label + strlen(URN_DEVICE));
	}
	GENERAL_NAMES_free(all);
}

/* A row for a certificate that the books have lost; *${der} is for
 * OPENSSL_free. */
static enum sn_err row_of(
    X509 *x, uint32_t issuer, struct record *rec, uint8_t **der)
{
	bool ca = X509_check_ca(x) == 1;
	size_t n;
	enum sn_err err;

	memset(rec, 0, sizeof(*rec));
	if (!read_serial(X509_get0_serialNumber(x), rec->serial))
		return (SN_EINVAL);
	rec->state = STATE_VALID;
	rec->issuer = issuer;
	rec->kind = ca ? KIND_ISSUER
		    : (X509_get_extended_key_usage(x) & XKU_SSL_SERVER) != 0
			? KIND_SERVER
			: KIND_CLIENT;
	rec->not_before = rec->created = seconds(X509_get0_notBefore(x));
	rec->not_after = seconds(X509_get0_notAfter(x));
	get_name(x, rec);
	(void)snprintf(rec->profile, sizeof(rec->profile), "%s",
	    ca                         ? "issuer"
	    : rec->kind == KIND_SERVER ? "server"
				       : "client");
	if ((err = ssl_der(x, der, &n)) != SN_OK)
		return (err);
	rec->der = (struct sn_bytes){ *der, n };
	return (ssl_fingerprint(*der, n, rec->fingerprint));
}

/* Enters it unless the books have it. */
static enum sn_err adopt(
    struct sn_txn *to, X509 *x, uint32_t issuer, struct carried *c)
{
	struct record rec, mine;
	uint8_t *der = NULL;
	enum sn_err err;

	if ((err = row_of(x, issuer, &rec, &der)) == SN_OK) {
		err = book_get(to, rec.serial, &mine);
		if (err == SN_ENOTFOUND ||
		    (err == SN_OK && mine.state != STATE_VALID &&
			mine.state != STATE_REVOKED)) {
			c->certificates++;
			err = book_adopt(to, &rec);
		}
	}
	OPENSSL_free(der);
	return (err == SN_EINVAL ? SN_OK : err);
}

enum sn_err carry_leaf(
    struct sn_txn *to, struct sn_bytes pem, struct carried *c)
{
	X509 *x = ssl_pem_first(pem.p, pem.n);
	uint32_t id;
	int64_t end;
	enum sn_err err;

	if (x == NULL)
		return (SN_OK);
	err = signer_of(to, x, NULL, &id, &end);
	if (err == SN_OK && id != ISSUER_ROOT)
		err = adopt(to, x, id, c);
	X509_free(x);
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

/* "Example Ltd Issuing CA 3" is 3; 0: no such name. */
static uint32_t id_of(X509 *x)
{
	char cn[NAME_BYTES] = "", *at;

	(void)X509_NAME_get_text_by_NID(
	    X509_get_subject_name(x), NID_commonName, cn, sizeof(cn));
	at = strrchr(cn, ' ');
	return (at != NULL ? (uint32_t)strtoul(at + 1, NULL, 10) : 0);
}

static enum sn_err carry_ca(
    struct sn_txn *to, X509 *x, struct carried *c, struct sn_why *why)
{
	uint8_t serial[SERIAL_BYTES];
	struct issuer row;
	uint32_t id;
	int64_t end;
	enum sn_err err;

	err = signer_of(to, x, NULL, &id, &end);
	if (err == SN_ENOTFOUND || (err == SN_OK && id != ISSUER_ROOT))
		return (sn_why(why, SN_EDENIED,
		    "the backup is of another authority than what is there: "
		    "its root has not signed every certificate of ca.pem"));
	if (err != SN_OK || (X509_get_extension_flags(x) & EXFLAG_SI) != 0)
		return (err);
	id = id_of(x);
	if (id == 0 || !read_serial(X509_get0_serialNumber(x), serial))
		return (SN_OK);
	err = issuer_get(to, id, &row);
	if (err == SN_OK && memcmp(row.serial, serial, SERIAL_BYTES) != 0)
		return (carry_parted(id, why));
	if (err == SN_OK)
		return (SN_OK);
	if (err != SN_ENOTFOUND)
		return (err);
	c->issuers++;
	if ((err = adopt(to, x, ISSUER_ROOT, c)) != SN_OK)
		return (err);
	return (issuer_found(to, id, serial));
}

enum sn_err carry_trust(struct sn_txn *to, struct sn_bytes pem,
    struct carried *c, struct sn_why *why)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	enum sn_err err = SN_OK;
	X509 *x;

	while (err == SN_OK && bio != NULL &&
	       (x = PEM_read_bio_X509(bio, NULL, ssl_no_passphrase, NULL)) !=
		   NULL) {
		err = carry_ca(to, x, c, why);
		X509_free(x);
	}
	BIO_free(bio);
	ERR_clear_error();
	return (err);
}

/* One entry of a list.  Its certificate may be unknown to the books; it must
 * stay on the list as long as it could live. */
static enum sn_err carry_entry(struct sn_txn *to, X509_REVOKED *entry,
    uint32_t id, int64_t end, struct carried *c)
{
	struct record rec = { .der = { "", 0 } };
	ASN1_ENUMERATED *reason;
	enum sn_err err;

	if (!read_serial(X509_REVOKED_get0_serialNumber(entry), rec.serial))
		return (SN_ECORRUPT);
	err = book_get(to, rec.serial, &rec);
	if (err == SN_OK && rec.state == STATE_REVOKED)
		return (SN_OK);
	if (err != SN_OK && err != SN_ENOTFOUND)
		return (err);
	if (err == SN_ENOTFOUND || rec.state != STATE_VALID) {
		rec.kind = KIND_CLIENT;
		rec.issuer = id;
		rec.not_after = end;
		rec.der = (struct sn_bytes){ "", 0 };
		(void)snprintf(rec.name, sizeof(rec.name), UNKNOWN);
	} else if ((err = due_clear(to, &rec)) != SN_OK) {
		return (err);
	}
	reason = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
	rec.reason = reason != NULL ? (uint8_t)ASN1_ENUMERATED_get(reason) : 0;
	ASN1_ENUMERATED_free(reason);
	rec.state = STATE_REVOKED;
	rec.revoked_at = seconds(X509_REVOKED_get0_revocationDate(entry));
	c->revocations++;
	if ((err = book_put(to, &rec)) != SN_OK)
		return (err);
	return (crl_list_add(to, &rec));
}

/* A newer list than ours becomes ours, so that an older is never published
 * over it. */
static enum sn_err keep_list(
    struct sn_txn *to, uint32_t id, X509_CRL *crl, struct carried *c)
{
	uint64_t number = carry_number(crl), have;
	unsigned char *der = NULL;
	uint8_t b[4];
	struct issuer i;
	enum sn_err err;
	int len;

	if ((err = issuer_get(to, id, &i)) != SN_OK ||
	    (err = carry_listed(to, id, &have)) != SN_OK || number <= have)
		return (err);
	if ((len = i2d_X509_CRL(crl, &der)) <= 0)
		return (SN_ECRYPTO);
	err = inventory_put(to, TABLE_CRL, issuer_id_key(id, b),
	    (struct sn_bytes){ der, (size_t)len });
	OPENSSL_free(der);
	if (err != SN_OK)
		return (err);
	if (number > c->crl)
		c->crl = number;
	if (number > i.crl_number)
		i.crl_number = number;
	i.crl_this = seconds(X509_CRL_get0_lastUpdate(crl));
	i.crl_next = seconds(X509_CRL_get0_nextUpdate(crl));
	return (issuer_put(to, &i));
}

static enum sn_err carry_one(
    struct sn_txn *to, X509_CRL *crl, struct carried *c, struct sn_why *why)
{
	STACK_OF(X509_REVOKED) *all = X509_CRL_get_REVOKED(crl);
	uint32_t id;
	int64_t end;
	enum sn_err err;

	err = signer_of(to, NULL, crl, &id, &end);
	if (err == SN_ENOTFOUND)
		return (sn_why(why, SN_EDENIED,
		    "a revocation list is signed by no CA that the backup "
		    "knows; if it is one made since, name the ca.pem of that "
		    "server with --ca FILE"));
	for (int i = 0; err == SN_OK && i < sk_X509_REVOKED_num(all); i++)
		err =
		    carry_entry(to, sk_X509_REVOKED_value(all, i), id, end, c);
	return (err == SN_OK ? keep_list(to, id, crl, c) : err);
}

enum sn_err carry_lists(struct sn_txn *to, struct sn_bytes pem,
    struct carried *c, struct sn_why *why)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	enum sn_err err = SN_OK;
	unsigned met = 0;
	X509_CRL *crl;

	ERR_clear_error();
	while (err == SN_OK && bio != NULL &&
	       (crl = PEM_read_bio_X509_CRL(
		    bio, NULL, ssl_no_passphrase, NULL)) != NULL) {
		err = carry_one(to, crl, c, why);
		X509_CRL_free(crl);
		met++;
	}
	/* Half a file would bring back what the other half revokes. */
	if (err == SN_OK &&
	    (met == 0 ||
		ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE))
		err = sn_why(why, SN_EDENIED,
		    "a file of revocation lists is empty, cut off or damaged");
	ERR_clear_error();
	BIO_free(bio);
	return (err);
}

/* Whether each revocation of ours is in the list that is kept. */
static enum sn_err judge(struct sn_txn *to, struct issuer *i, unsigned *stale)
{
	X509_CRL *crl;
	enum sn_err err;
	bool lacks = true;

	err = crl_kept(to, i->id, &crl);
	if (err != SN_OK && err != SN_ENOTFOUND)
		return (err);
	if (err == SN_OK) {
		err = crl_list_lacks(to, i->id, i->crl_this, crl, &lacks);
		X509_CRL_free(crl);
		if (err != SN_OK)
			return (err);
	}
	i->crl_stale = i->crl_stale || lacks;
	*stale += i->crl_stale;
	return (issuer_put(to, i));
}

enum sn_err carry_stale(struct sn_txn *to, unsigned *stale)
{
	struct issuer i;
	enum sn_err err;

	*stale = 0;
	for (uint32_t id = ISSUER_ROOT;
	     (err = issuer_from(to, id, &i)) == SN_OK; id = i.id + 1)
		if ((err = judge(to, &i, stale)) != SN_OK)
			return (err);
	return (err == SN_ENOTFOUND ? SN_OK : err);
}
