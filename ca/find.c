#include "ca/find.h"

#include <stdlib.h>
#include <string.h>

#include "ca/book.h"
#include "ca/inventory.h"
#include "ca/ssl.h"
#include "lib/file.h"

#define CERTIFICATE_FILE_MAX 65536

static bool normal_serial(const char *hex, uint8_t out[SERIAL_BYTES])
{
	char digits[SERIAL_TEXT];
	size_t n = 0;

	memset(digits, '0', sizeof(digits) - 1);
	digits[sizeof(digits) - 1] = '\0';
	if (strncmp(hex, "0x", 2) == 0)
		hex += 2;
	while (*hex == '0' || *hex == ':')
		hex++;
	for (const char *p = hex; *p != '\0'; p++)
		n += *p != ':';
	if (n == 0 || n > sizeof(digits) - 1)
		return (false);
	for (size_t at = sizeof(digits) - 1 - n; *hex != '\0'; hex++)
		if (*hex != ':')
			digits[at++] = *hex;
	return (sn_bytes_unhex(digits, out, SERIAL_BYTES));
}

/*
 * That a key is not there may be the doing of a page that lost its rows, or
 * of a signpost above them that was bent: it is believed when all rows are
 * met, whole, and none is the one.  SN_ENOTFOUND, or SN_ECORRUPT.
 */
static enum sn_err believe_absence(
    struct sn_txn *txn, enum inventory_table table, struct sn_bytes missed)
{
	struct sn_bytes key, value;
	struct sn_cursor *c;
	uint64_t want, met = 0;
	enum sn_err err;

	if ((err = sn_txn_count(txn, table, &want)) != SN_OK ||
	    (err = sn_cursor_open(txn, table, &c)) != SN_OK)
		return (err);
	for (err = sn_cursor_first(c, &key, &value); err == SN_OK;
	     err = sn_cursor_next(c, &key, &value)) {
		if (met++ == want || sn_bytes_equal(key, missed))
			err = SN_ECORRUPT;
		else
			err = inventory_unseal(table, key, &value);
		if (err != SN_OK)
			break;
	}
	sn_cursor_close(c);
	if (err == SN_ENOTFOUND && met != want)
		err = SN_ECORRUPT;
	return (err);
}

enum sn_err find_serial(
    struct sn_txn *txn, const char *hex, struct record *out, struct sn_why *why)
{
	uint8_t serial[SERIAL_BYTES];
	enum sn_err err;

	if (!normal_serial(hex, serial))
		return (sn_why(why, SN_EINVAL,
		    "\"%.64s\" is no serial of ours: up to 32 hexadecimal "
		    "digits",
		    hex));
	err = book_get(txn, serial, out);
	if (err == SN_ENOTFOUND)
		err = believe_absence(txn, TABLE_CERTIFICATE,
		    (struct sn_bytes){ serial, sizeof(serial) });
	if (err == SN_ENOTFOUND)
		return (sn_why(why, err,
		    "no certificate with the serial %s; sicher-ca list shows "
		    "them all",
		    hex));
	if (err != SN_OK)
		return (sn_why(why, err,
		    "the inventory is damaged at serial %s; run sicher-ca "
		    "check",
		    hex));
	return (SN_OK);
}

static enum sn_err read_certificate(
    const char *path, X509 **out, struct sn_why *why)
{
	enum sn_err err;
	char *text;
	size_t n;

	err = sn_file_read(path, CERTIFICATE_FILE_MAX, &text, &n, why);
	if (err != SN_OK)
		return (err);
	*out = ssl_pem_first(text, n);
	free(text);
	if (*out == NULL)
		return (sn_why(why, SN_EINVAL,
		    "%s holds no certificate (PEM or DER)", path));
	return (SN_OK);
}

enum sn_err find_file(struct sn_txn *txn, const char *path, struct record *out,
    struct sn_why *why)
{
	uint8_t fingerprint[FINGERPRINT_BYTES];
	struct sn_bytes key = { fingerprint, sizeof(fingerprint) }, serial;
	enum sn_err err;
	X509 *x;

	if ((err = read_certificate(path, &x, why)) != SN_OK)
		return (err);
	if (X509_digest(x, EVP_sha256(), fingerprint, NULL) != 1)
		err = ssl_why(why, "cannot hash the certificate");
	X509_free(x);
	if (err != SN_OK)
		return (err);
	err = inventory_get(txn, TABLE_FINGERPRINT, key, &serial);
	if (err == SN_ENOTFOUND)
		err = believe_absence(txn, TABLE_FINGERPRINT, key);
	if (err == SN_OK && serial.n == SERIAL_BYTES)
		err = book_get(txn, serial.p, out);
	else if (err == SN_ENOTFOUND)
		return (sn_why(why, err,
		    "%s is not a certificate of this authority", path));
	if (err != SN_OK)
		return (sn_why(why, SN_ECORRUPT,
		    "the inventory is damaged; run sicher-ca check"));
	return (SN_OK);
}

static enum sn_err count_of(
    struct sn_txn *txn, enum record_kind kind, const char *name, uint64_t *out)
{
	uint8_t key[BOOK_KEY];
	size_t n = book_prefix(kind, name, NULL, key);
	struct sn_bytes value;
	struct sn_rd r;
	enum sn_err err;

	*out = 0;
	err = inventory_get(
	    txn, TABLE_ACCOUNT, (struct sn_bytes){ key, n }, &value);
	if (err != SN_OK)
		return (err == SN_ENOTFOUND ? SN_OK : err);
	r = sn_rd_over(value.p, value.n);
	*out = sn_rd_u64(&r);
	return (sn_rd_end(&r) ? SN_OK : SN_ECORRUPT);
}

/*
 * A name that has many rows: when each of them was met, none can be missing
 * for as long as the transaction sees the same pages.  So a device of it is
 * found without the walk from then on; else whoever certifies or revokes
 * thousands of one name at once would walk past all of them for each.
 */
#define LONG_WALK 64
_Static_assert(1 + 1 + NAME_BYTES <= SN_TXN_NOTE, "a name's prefix fits");

static bool was_met(struct sn_txn *txn, const uint8_t *prefix, size_t n)
{
	const uint8_t *note = sn_txn_note(txn);

	return (note[0] == 1 && memcmp(note + 1, prefix, n) == 0);
}

static void note_met(struct sn_txn *txn, const uint8_t *prefix, size_t n)
{
	uint8_t *note = sn_txn_note(txn);

	/* A prefix ends with a NUL, so none begins another. */
	note[0] = 1;
	memcpy(note + 1, prefix, n);
}

enum sn_err find_walk(struct sn_txn *txn, enum record_kind kind,
    const char *name, const char *label,
    enum sn_err (*each)(void *arg, const struct record *rec), void *arg)
{
	uint8_t prefix[BOOK_KEY], wanted[BOOK_KEY];
	size_t n = book_prefix(kind, name, NULL, prefix);
	size_t m = book_prefix(kind, name, label, wanted);
	bool known = was_met(txn, prefix, n);
	struct sn_bytes from = { prefix, n }, key, value;
	struct sn_cursor *c;
	struct record rec;
	uint64_t want, met = 0;
	enum sn_err err;

	if ((err = count_of(txn, kind, name, &want)) != SN_OK ||
	    (err = sn_cursor_open(txn, TABLE_DEVICE, &c)) != SN_OK)
		return (err);
	if (known)
		from = (struct sn_bytes){ wanted, m };
	err = sn_cursor_seek(c, from, &key, &value);
	while (err == SN_OK && key.n > from.n + SERIAL_BYTES &&
	       memcmp(key.p, from.p, from.n) == 0) {
		const uint8_t *p = key.p;

		if ((err = inventory_unseal(TABLE_DEVICE, key, &value)) !=
		    SN_OK)
			break;
		met++;
		/* Others of that name are only counted. */
		if (key.n > m && memcmp(p, wanted, m) == 0) {
			err = book_get(txn, p + key.n - SERIAL_BYTES, &rec);
			if (err == SN_ENOTFOUND)
				err = SN_ECORRUPT;
			if (err != SN_OK || (err = each(arg, &rec)) != SN_OK)
				break;
		}
		err = sn_cursor_next(c, &key, &value);
	}
	sn_cursor_close(c);
	if (err != SN_OK && err != SN_ENOTFOUND)
		return (err);
	if (known)
		return (SN_OK);
	if (met == want && met >= LONG_WALK)
		note_met(txn, prefix, n);
	return (met == want ? SN_OK : SN_ECORRUPT);
}
