#include "ca/crl.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "ca/audit.h"
#include "ca/book.h"
#include "ca/crl_list.h"
#include "ca/due.h"
#include "ca/inventory.h"
#include "ca/lint.h"
#include "ca/ssl.h"

enum sn_err crl_lock(const struct authority *a, int *out, struct sn_why *why)
{
	char path[PATH_BYTES];
	int fd;

	authority_path(a, path, "inventory/publish.lock");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return (sn_why_errno(why, SN_EIO, "cannot open %s", path));
	if (flock(fd, LOCK_EX) != 0) {
		(void)close(fd);
		return (sn_why_errno(why, SN_EIO, "cannot lock %s", path));
	}
	*out = fd;
	return (SN_OK);
}

void crl_unlock(int fd)
{
	(void)close(fd);
}

enum sn_err crl_revoke(
    struct sn_txn *txn, struct record *rec, uint8_t reason, int64_t now)
{
	char hex[SERIAL_TEXT], name[2 * NAME_BYTES];
	struct issuer issuer;
	enum sn_err err;

	rec->state = STATE_REVOKED;
	rec->revoked_at = now;
	rec->reason = reason;
	if ((err = due_clear(txn, rec)) != SN_OK ||
	    (err = book_put(txn, rec)) != SN_OK ||
	    (err = crl_list_add(txn, rec)) != SN_OK ||
	    (err = issuer_get(txn, rec->issuer, &issuer)) != SN_OK)
		return (err);
	issuer.crl_stale = true;
	if ((err = issuer_put(txn, &issuer)) != SN_OK ||
	    (err = authority_touch(txn, now)) != SN_OK)
		return (err);
	return (audit_add(txn, now, "revoke",
	    "serial=%s kind=%s name=%s label=%s reason=%s",
	    sn_bytes_hex(rec->serial, SERIAL_BYTES, hex),
	    record_kind_text(rec->kind),
	    audit_value(rec->name, name, sizeof(name)), rec->label,
	    record_reason_text(reason)));
}

/*
 * The highest number of any CA of ours.  They count together: so the number
 * alone tells which of two crl.pem is the newer, and "CRL 42 in force" means
 * that everything up to the 42nd list is.
 */
static enum sn_err highest(struct sn_txn *txn, uint64_t *out)
{
	struct issuer i;
	enum sn_err err;

	*out = 0;
	for (uint32_t id = ISSUER_ROOT;
	     (err = issuer_from(txn, id, &i)) == SN_OK; id = i.id + 1)
		if (i.crl_number > *out)
			*out = i.crl_number;
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

/* Takes the next number; nobody will ever have it again. */
static enum sn_err reserve(struct sn_txn *txn, uint32_t id, int64_t *last,
    int64_t *now, struct issuer *out)
{
	struct sn_why ignored;
	uint64_t number;
	enum sn_err err;

	/* A wrong clock must not keep a revocation from being published. */
	err = authority_now(txn, now, &ignored);
	if (err != SN_OK && err != SN_EDENIED)
		return (err);
	if ((err = issuer_get(txn, id, out)) != SN_OK ||
	    (err = highest(txn, &number)) != SN_OK)
		return (err);
	*last = out->crl_this;
	out->crl_number = number + 1;
	if ((err = issuer_put(txn, out)) != SN_OK ||
	    (err = authority_touch(txn, *now)) != SN_OK)
		return (err);
	return (audit_add(txn, *now, "crl.intent", "issuer=%u number=%llu", id,
	    (unsigned long long)out->crl_number));
}

static bool add_number(X509_CRL *crl, uint64_t number)
{
	ASN1_INTEGER *n = ASN1_INTEGER_new();
	bool ok;

	ok = n != NULL && ASN1_INTEGER_set_uint64(n, number) == 1 &&
	     X509_CRL_add1_ext_i2d(
		 crl, NID_crl_number, n, 0, X509V3_ADD_DEFAULT) == 1;
	ASN1_INTEGER_free(n);
	return (ok);
}

static bool add_issuer_id(X509_CRL *crl, X509 *issuer)
{
	const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(issuer);
	AUTHORITY_KEYID *aki = AUTHORITY_KEYID_new();
	bool ok;

	ok = id != NULL && aki != NULL &&
	     (aki->keyid = ASN1_OCTET_STRING_dup(id)) != NULL &&
	     X509_CRL_add1_ext_i2d(crl, NID_authority_key_identifier, aki, 0,
		 X509V3_ADD_DEFAULT) == 1;
	AUTHORITY_KEYID_free(aki);
	return (ok);
}

static bool set_times(X509_CRL *crl, const struct issuer *i)
{
	ASN1_TIME *from = ASN1_TIME_set(NULL, i->crl_this);
	ASN1_TIME *to = ASN1_TIME_set(NULL, i->crl_next);
	bool ok;

	ok = from != NULL && to != NULL &&
	     X509_CRL_set1_lastUpdate(crl, from) == 1 &&
	     X509_CRL_set1_nextUpdate(crl, to) == 1;
	ASN1_TIME_free(from);
	ASN1_TIME_free(to);
	return (ok);
}

static enum sn_err build(struct sn_txn *txn, const struct issuer *i,
    int64_t last, X509_CRL **out, X509 **issuer, struct sn_why *why)
{
	X509_CRL *crl;
	enum sn_err err;

	ERR_clear_error();
	if ((err = issuer_certificate(txn, i->id, issuer, why)) != SN_OK)
		return (err);
	crl = X509_CRL_new();
	if (crl == NULL || X509_CRL_set_version(crl, X509_CRL_VERSION_2) != 1 ||
	    X509_CRL_set_issuer_name(crl, X509_get_subject_name(*issuer)) !=
		1 ||
	    !set_times(crl, i) || !add_number(crl, i->crl_number) ||
	    !add_issuer_id(crl, *issuer)) {
		err = ssl_why(why, "cannot build the CRL");
		goto failed;
	}
	if ((err = crl_list_fill(txn, i->id, last, crl)) != SN_OK) {
		(void)sn_why(why, err, "cannot list what is revoked: %s",
		    sn_err_text(err));
		goto failed;
	}
	(void)X509_CRL_sort(crl);
	*out = crl;
	return (SN_OK);
failed:
	X509_CRL_free(crl);
	X509_free(*issuer);
	*issuer = NULL;
	return (err);
}

static enum sn_err store(struct sn_txn *txn, struct issuer *i, X509_CRL *crl)
{
	unsigned char *der = NULL;
	uint8_t id[4];
	struct issuer now;
	int n = i2d_X509_CRL(crl, &der);
	enum sn_err err;

	if (n <= 0)
		return (SN_ECRYPTO);
	if ((err = lint_crl(der, (size_t)n, NULL)) != SN_OK) {
		OPENSSL_free(der);
		return (err);
	}
	err = inventory_put(txn, TABLE_CRL, issuer_id_key(i->id, id),
	    (struct sn_bytes){ der, (size_t)n });
	OPENSSL_free(der);
	if (err != SN_OK || (err = issuer_get(txn, i->id, &now)) != SN_OK)
		return (err);
	i->crl_stale = false;
	i->active = now.active;
	if ((err = issuer_put(txn, i)) != SN_OK)
		return (err);
	return (audit_add(txn, i->crl_this, "crl", "issuer=%u number=%llu",
	    i->id, (unsigned long long)i->crl_number));
}

enum sn_err crl_kept(struct sn_txn *txn, uint32_t id, X509_CRL **out)
{
	uint8_t b[4];
	const unsigned char *p;
	struct sn_bytes der;
	enum sn_err err;

	err = inventory_get(txn, TABLE_CRL, issuer_id_key(id, b), &der);
	if (err != SN_OK)
		return (err);
	p = der.p;
	*out = d2i_X509_CRL(NULL, &p, (long)der.n);
	return (*out != NULL ? SN_OK : SN_ECORRUPT);
}

static enum sn_err in_write(struct authority *a, struct sn_txn *txn,
    enum sn_err err, struct sn_why *why)
{
	if (err == SN_OK)
		return (inventory_why(a->store, sn_txn_commit(txn), why));
	sn_txn_abort(txn);
	return (inventory_why(a->store, err, why));
}

enum sn_err crl_sign(struct authority *a, uint32_t id, const struct key *key,
    struct issuer *out, struct sn_why *why)
{
	struct sn_txn *txn;
	X509_CRL *crl = NULL;
	X509 *issuer = NULL;
	int64_t last, now;
	enum sn_err err;

	if ((err = sn_txn_write(a->store, &txn)) != SN_OK)
		return (inventory_why(a->store, err, why));
	err = in_write(a, txn, reserve(txn, id, &last, &now, out), why);
	if (err != SN_OK)
		return (err);
	out->crl_this = now;
	out->crl_next =
	    now + (id == ISSUER_ROOT ? a->crl_root_life : a->crl_life);
	if ((err = sn_txn_read(a->store, &txn)) != SN_OK)
		return (inventory_why(a->store, err, why));
	err = build(txn, out, last, &crl, &issuer, why);
	sn_txn_abort(txn);
	if (err != SN_OK)
		return (err);
	if (!key_fits(key, issuer))
		err = sn_why(why, SN_ECORRUPT,
		    "the key does not belong to issuer %u", id);
	else
		err = key_sign_crl(key, crl, why);
	if (err == SN_OK && (err = sn_txn_write(a->store, &txn)) == SN_OK)
		err = in_write(a, txn, store(txn, out, crl), why);
	X509_free(issuer);
	X509_CRL_free(crl);
	return (err);
}
