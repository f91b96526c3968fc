#include "ca/crl_list.h"

#include <string.h>

#include <openssl/asn1.h>
#include <openssl/x509v3.h>

#include "ca/inventory.h"

#define VERSION 1
#define KEY_BYTES (4 + SERIAL_BYTES)
#define ROW_BYTES 32

struct entry {
	const uint8_t *serial;
	int64_t revoked_at, not_after;
	uint8_t reason;
};

enum sn_err crl_list_add(struct sn_txn *txn, const struct record *rec)
{
	uint8_t key[KEY_BYTES], row[ROW_BYTES];
	struct sn_wr k = sn_wr_over(key, sizeof(key));
	struct sn_wr w = sn_wr_over(row, sizeof(row));

	sn_wr_u32(&k, rec->issuer);
	sn_wr_put(&k, rec->serial, SERIAL_BYTES);
	sn_wr_u8(&w, VERSION);
	sn_wr_u8(&w, rec->reason);
	sn_wr_u64(&w, (uint64_t)rec->revoked_at);
	sn_wr_u64(&w, (uint64_t)rec->not_after);
	return (inventory_put(txn, TABLE_REVOKED,
	    (struct sn_bytes){ key, sizeof(key) },
	    (struct sn_bytes){ row, w.n }));
}

static enum sn_err decode(
    struct sn_bytes key, struct sn_bytes value, struct entry *out)
{
	struct sn_rd r;
	enum sn_err err;

	if (key.n != KEY_BYTES)
		return (SN_ECORRUPT);
	if ((err = inventory_unseal(TABLE_REVOKED, key, &value)) != SN_OK)
		return (err);
	r = sn_rd_over(value.p, value.n);
	if (sn_rd_u8(&r) != VERSION)
		return (SN_ENEWER);
	out->serial = (const uint8_t *)key.p + 4;
	out->reason = sn_rd_u8(&r);
	out->revoked_at = (int64_t)sn_rd_u64(&r);
	out->not_after = (int64_t)sn_rd_u64(&r);
	return (sn_rd_end(&r) ? SN_OK : SN_ECORRUPT);
}

static bool set_serial(X509_REVOKED *r, const uint8_t *serial)
{
	BIGNUM *n = BN_bin2bn(serial, SERIAL_BYTES, NULL);
	ASN1_INTEGER *i = BN_to_ASN1_INTEGER(n, NULL);
	bool ok = i != NULL && X509_REVOKED_set_serialNumber(r, i) == 1;

	ASN1_INTEGER_free(i);
	BN_free(n);
	return (ok);
}

static bool set_reason(X509_REVOKED *r, uint8_t reason)
{
	ASN1_ENUMERATED *code;
	bool ok;

	/* RFC 5280, 5.3.1: unspecified is said by saying nothing. */
	if (reason == 0)
		return (true);
	code = ASN1_ENUMERATED_new();
	ok = code != NULL && ASN1_ENUMERATED_set(code, reason) == 1 &&
	     X509_REVOKED_add1_ext_i2d(
		 r, NID_crl_reason, code, 0, X509V3_ADD_DEFAULT) == 1;
	ASN1_ENUMERATED_free(code);
	return (ok);
}

static enum sn_err add(X509_CRL *crl, const struct entry *e)
{
	ASN1_TIME *when = ASN1_TIME_set(NULL, e->revoked_at);
	X509_REVOKED *r = X509_REVOKED_new();
	bool ok;

	ok = r != NULL && when != NULL && set_serial(r, e->serial) &&
	     X509_REVOKED_set_revocationDate(r, when) == 1 &&
	     set_reason(r, e->reason) && X509_CRL_add0_revoked(crl, r) == 1;
	ASN1_TIME_free(when);
	if (ok)
		return (SN_OK);
	X509_REVOKED_free(r);
	return (SN_ECRYPTO);
}

/* Calls ${each} for what belongs into a list behind that of ${last}. */
static enum sn_err walk(struct sn_txn *txn, uint32_t id, int64_t last,
    enum sn_err (*each)(void *arg, const struct entry *e), void *arg)
{
	uint8_t from[4];
	struct sn_bytes prefix = issuer_id_key(id, from), key, value;
	struct sn_cursor *c;
	struct entry e;
	enum sn_err err;

	if ((err = sn_cursor_open(txn, TABLE_REVOKED, &c)) != SN_OK)
		return (err);
	err = sn_cursor_seek(c, prefix, &key, &value);
	while (err == SN_OK && key.n >= 4 && memcmp(key.p, from, 4) == 0) {
		if ((err = decode(key, value, &e)) != SN_OK)
			break;
		if ((e.not_after >= last || e.revoked_at > last) &&
		    (err = each(arg, &e)) != SN_OK)
			break;
		err = sn_cursor_next(c, &key, &value);
	}
	sn_cursor_close(c);
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

static enum sn_err add_to(void *arg, const struct entry *e)
{
	return (add(arg, e));
}

enum sn_err crl_list_fill(
    struct sn_txn *txn, uint32_t id, int64_t last, X509_CRL *crl)
{
	return (walk(txn, id, last, add_to, crl));
}

struct search {
	X509_CRL *crl;
	bool lacks;
};

static enum sn_err look_for(void *arg, const struct entry *e)
{
	struct search *s = arg;
	BIGNUM *n = BN_bin2bn(e->serial, SERIAL_BYTES, NULL);
	ASN1_INTEGER *serial = BN_to_ASN1_INTEGER(n, NULL);
	X509_REVOKED *found;
	enum sn_err err = serial != NULL ? SN_OK : SN_ENOMEM;

	if (err == SN_OK)
		s->lacks = s->lacks ||
			   X509_CRL_get0_by_serial(s->crl, &found, serial) != 1;
	ASN1_INTEGER_free(serial);
	BN_free(n);
	return (err);
}

enum sn_err crl_list_lacks(
    struct sn_txn *txn, uint32_t id, int64_t last, X509_CRL *crl, bool *out)
{
	struct search s = { .crl = crl };
	enum sn_err err = walk(txn, id, last, look_for, &s);

	*out = s.lacks;
	return (err);
}
