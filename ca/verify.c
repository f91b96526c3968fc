#include "ca/verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/audit.h"
#include "ca/book.h"
#include "ca/der.h"
#include "ca/due.h"
#include "ca/inventory.h"
#include "ca/issuer.h"
#include "ca/ssl.h"

struct walk {
	struct sn_txn *txn;
	verify_tell *tell;
	void *arg;
	uint64_t rows;
	uint64_t signed_count, revoked_count, pending_count, account_sum;
	uint64_t due_count, active_count;
};

static void found(struct walk *w, const char *format, ...) SN_PRINTF(2, 3);

static void found(struct walk *w, const char *format, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	w->tell(w->arg, line);
}

/* Whether an index row is there, and says ${want} (unless NULL). */
static void expect(struct walk *w, enum inventory_table table,
    struct sn_bytes key, const struct sn_bytes *want, const char *serial)
{
	struct sn_bytes value;
	enum sn_err err = inventory_get(w->txn, table, key, &value);

	if (err == SN_ENOTFOUND)
		found(w, "certificate %s is missing in the table %s", serial,
		    inventory_table_name(table));
	else if (err != SN_OK ||
		 (want != NULL && !sn_bytes_equal(value, *want)))
		found(w, "certificate %s is wrong in the table %s", serial,
		    inventory_table_name(table));
}

static void check_revoked(
    struct walk *w, const struct record *rec, const char *serial)
{
	uint8_t key[4 + SERIAL_BYTES];

	(void)issuer_id_key(rec->issuer, key);
	memcpy(key + 4, rec->serial, SERIAL_BYTES);
	expect(w, TABLE_REVOKED, (struct sn_bytes){ key, sizeof(key) }, NULL,
	    serial);
}

static void check_indexes(
    struct walk *w, const struct record *rec, const char *serial)
{
	uint8_t device[BOOK_KEY], expiry[8 + SERIAL_BYTES];
	struct sn_bytes number = { rec->serial, SERIAL_BYTES };
	size_t n = book_device_key(rec, device);

	book_expiry_key(rec, expiry);
	expect(w, TABLE_DEVICE, (struct sn_bytes){ device, n }, NULL, serial);
	expect(w, TABLE_EXPIRY, (struct sn_bytes){ expiry, sizeof(expiry) },
	    NULL, serial);
	expect(w, TABLE_FINGERPRINT,
	    (struct sn_bytes){ rec->fingerprint, FINGERPRINT_BYTES }, &number,
	    serial);
	if (rec->due != 0) {
		due_key(rec, expiry);
		w->due_count++;
		expect(w, TABLE_DUE,
		    (struct sn_bytes){ expiry, sizeof(expiry) }, NULL, serial);
	}
	if (rec->state == STATE_REVOKED)
		check_revoked(w, rec, serial);
}

/* The serial inside, by our own cursor: OpenSSL would decode the key as well,
 * which takes twenty times as long. */
static bool serial_of(struct sn_bytes bytes, struct der *out)
{
	struct der all = der_over(bytes.p, bytes.n);
	struct der x = der_take(&all, DER_SEQUENCE);
	struct der tbs = der_take(&x, DER_SEQUENCE);

	(void)der_take(&tbs, DER_CONTEXT_IN(0));
	*out = der_take(&tbs, DER_INTEGER);
	return (der_end(&all) && der_integer_ok(out));
}

static void check_der(
    struct walk *w, const struct record *rec, const char *serial)
{
	uint8_t fingerprint[FINGERPRINT_BYTES];
	struct der inside;

	if (ssl_fingerprint(rec->der.p, rec->der.n, fingerprint) != SN_OK ||
	    memcmp(fingerprint, rec->fingerprint, sizeof(fingerprint)) != 0)
		found(w, "certificate %s is not the one of its fingerprint",
		    serial);
	if (!serial_of(rec->der, &inside))
		found(w, "certificate %s cannot be read", serial);
	else if (!der_is(&inside, rec->serial, SERIAL_BYTES))
		found(w, "certificate %s has another serial inside", serial);
}

static void check_certificate(
    struct walk *w, struct sn_bytes key, struct sn_bytes value)
{
	char serial[SERIAL_TEXT];
	struct record rec;

	if (record_decode(key, value, &rec) != SN_OK) {
		found(w, "a record cannot be read");
		return;
	}
	(void)sn_bytes_hex(rec.serial, SERIAL_BYTES, serial);
	w->pending_count += rec.state == STATE_PENDING;
	if (rec.state != STATE_VALID && rec.state != STATE_REVOKED)
		return;
	w->revoked_count += rec.state == STATE_REVOKED;
	/* Carried from a list by a restore: only its serial is known. */
	if (rec.state == STATE_REVOKED && rec.der.n == 0) {
		check_revoked(w, &rec, serial);
		return;
	}
	w->signed_count++;
	check_der(w, &rec, serial);
	check_indexes(w, &rec, serial);
}

static void check_issuer(struct walk *w, struct sn_bytes key)
{
	struct sn_rd r = sn_rd_over(key.p, key.n);
	uint32_t id = sn_rd_u32(&r);
	struct issuer i;
	struct sn_why why;
	X509 *x;

	if (issuer_get(w->txn, id, &i) != SN_OK)
		found(w, "the row of issuer %u cannot be read", id);
	else
		w->active_count += id != ISSUER_ROOT && i.active;
	if (issuer_certificate(w->txn, id, &x, &why) != SN_OK)
		found(w, "%s", why.text);
	else
		X509_free(x);
}

static void check_row(struct walk *w, enum inventory_table table,
    struct sn_bytes key, struct sn_bytes value)
{
	struct sn_rd r;

	if (table == TABLE_CERTIFICATE) {
		check_certificate(w, key, value);
	} else if (table == TABLE_ISSUER) {
		check_issuer(w, key);
	} else if (table == TABLE_ACCOUNT) {
		r = sn_rd_over(value.p, value.n);
		w->account_sum += sn_rd_u64(&r);
	}
}

static void check_table(struct walk *w, enum inventory_table table)
{
	struct sn_bytes key, value;
	struct sn_cursor *c;
	uint64_t want, met = 0;
	enum sn_err err;

	if (sn_txn_count(w->txn, table, &want) != SN_OK ||
	    sn_cursor_open(w->txn, table, &c) != SN_OK) {
		found(w, "the table %s cannot be opened",
		    inventory_table_name(table));
		return;
	}
	for (err = sn_cursor_first(c, &key, &value);
	     err == SN_OK && met <= want;
	     err = sn_cursor_next(c, &key, &value)) {
		met++;
		if (inventory_unseal(table, key, &value) != SN_OK)
			found(w, "a row of the table %s has a broken seal",
			    inventory_table_name(table));
		else
			check_row(w, table, key, value);
	}
	sn_cursor_close(c);
	if ((err != SN_ENOTFOUND && err != SN_OK) || met != want)
		found(w, "the table %s should have %llu rows, %llu are there",
		    inventory_table_name(table), (unsigned long long)want,
		    (unsigned long long)met);
	w->rows += met;
}

static void check_count(
    struct walk *w, enum inventory_table table, uint64_t want)
{
	uint64_t have;

	if (sn_txn_count(w->txn, table, &have) != SN_OK)
		return;
	if (have != want)
		found(w, "the table %s has %llu rows for %llu certificates",
		    inventory_table_name(table), (unsigned long long)have,
		    (unsigned long long)want);
}

void verify_books(
    struct sn_store *store, verify_tell *tell, void *arg, uint64_t *rows)
{
	struct walk w = { .tell = tell, .arg = arg };
	uint8_t head[AUDIT_HASH];
	struct sn_why why;
	uint64_t entries;

	*rows = 0;
	if (sn_txn_read(store, &w.txn) != SN_OK) {
		found(&w, "the inventory cannot be read: %s",
		    sn_store_reason(store));
		return;
	}
	for (unsigned t = 0; t < TABLE_COUNT; t++)
		check_table(&w, t);
	check_count(&w, TABLE_DEVICE, w.signed_count);
	check_count(&w, TABLE_EXPIRY, w.signed_count);
	check_count(&w, TABLE_FINGERPRINT, w.signed_count);
	check_count(&w, TABLE_REVOKED, w.revoked_count);
	check_count(&w, TABLE_DUE, w.due_count);
	if (w.active_count != 1)
		found(&w, "%llu issuing CAs are active instead of one%s",
		    (unsigned long long)w.active_count,
		    w.active_count > 1 ? "; sicher-ca issuer rotate puts "
					 "another in their place"
				       : "");
	if (w.account_sum != w.signed_count)
		found(&w, "the accounts count %llu certificates of %llu",
		    (unsigned long long)w.account_sum,
		    (unsigned long long)w.signed_count);
	if (audit_verify(w.txn, &entries, head, &why) != SN_OK)
		found(&w, "%s", why.text);
	*rows = w.rows;
	sn_txn_abort(w.txn);
}
