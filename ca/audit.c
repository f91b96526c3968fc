#include "ca/audit.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "ca/inventory.h"
#include "ca/utf8.h"
#include "lib/log.h"
#include "lib/algorithms.h"

#define VERSION 1
#define KEY_BYTES 8
#define ENTRY_MAX (AUDIT_TEXT + 256)

static struct sn_bytes key_of(uint64_t sequence, uint8_t b[KEY_BYTES])
{
	struct sn_wr w = sn_wr_over(b, KEY_BYTES);

	sn_wr_u64(&w, sequence);
	return ((struct sn_bytes){ b, KEY_BYTES });
}

/* Everything but the entry's own hash; the sequence is in it, so that an
 * entry cannot move. */
static void put_body(struct sn_wr *w, const struct audit_entry *e)
{
	sn_wr_u8(w, VERSION);
	sn_wr_u64(w, e->sequence);
	sn_wr_u64(w, (uint64_t)e->time);
	sn_wr_u32(w, e->uid);
	sn_wr_blob(w, sn_bytes_of(e->event));
	sn_wr_blob(w, sn_bytes_of(e->text));
	sn_wr_put(w, e->before, AUDIT_HASH);
}

static enum sn_err hash(const void *p, size_t n, uint8_t out[AUDIT_HASH])
{
	if (EVP_Digest(p, n, out, NULL, sn_algorithms_sha256(), NULL) != 1)
		return (SN_ECRYPTO);
	return (SN_OK);
}

enum sn_err audit_head(
    struct sn_txn *txn, uint64_t *sequence, uint8_t out[AUDIT_HASH])
{
	struct sn_cursor *c;
	struct sn_bytes key, value;
	struct audit_entry e;
	enum sn_err err;

	*sequence = 0;
	memset(out, 0, AUDIT_HASH);
	if ((err = sn_cursor_open(txn, TABLE_AUDIT, &c)) != SN_OK)
		return (err);
	err = sn_cursor_last(c, &key, &value);
	if (err == SN_OK &&
	    (err = inventory_unseal(TABLE_AUDIT, key, &value)) == SN_OK)
		err = audit_decode(key, value, &e);
	sn_cursor_close(c);
	if (err == SN_ENOTFOUND)
		return (SN_OK);
	if (err != SN_OK)
		return (err);
	*sequence = e.sequence;
	memcpy(out, e.hash, AUDIT_HASH);
	return (SN_OK);
}

enum sn_err audit_add(
    struct sn_txn *txn, int64_t now, const char *event, const char *format, ...)
{
	struct audit_entry e = { .time = now, .uid = (uint32_t)getuid() };
	uint8_t row[ENTRY_MAX], kb[KEY_BYTES];
	struct sn_wr w = sn_wr_over(row, sizeof(row));
	enum sn_err err;
	va_list ap;

	if ((err = audit_head(txn, &e.sequence, e.before)) != SN_OK)
		return (err);
	e.sequence++;
	(void)snprintf(e.event, sizeof(e.event), "%s", event);
	va_start(ap, format);
	(void)vsnprintf(e.text, sizeof(e.text), format, ap);
	va_end(ap);
	put_body(&w, &e);
	if ((err = hash(row, w.n, e.hash)) != SN_OK)
		return (err);
	sn_wr_put(&w, e.hash, AUDIT_HASH);
	if (w.bad)
		return (SN_ETOOBIG);
	return (inventory_insert(txn, TABLE_AUDIT, key_of(e.sequence, kb),
	    (struct sn_bytes){ row, w.n }));
}

const char *audit_value(const char *text, char *out, size_t size)
{
	size_t n = strlen(text);
	bool plain = utf8_is_text(text, n) && strpbrk(text, "\"\\") == NULL;

	if (plain && n < size && strchr(text, ' ') == NULL)
		(void)snprintf(out, size, "%s", text);
	else if (plain && n + 2 < size)
		(void)snprintf(out, size, "\"%s\"", text);
	else
		(void)sn_log_quote(out, size, text, n);
	return (out);
}

enum sn_err audit_decode(
    struct sn_bytes key, struct sn_bytes value, struct audit_entry *out)
{
	struct sn_rd k = sn_rd_over(key.p, key.n);
	struct sn_rd r = sn_rd_over(value.p, value.n);
	uint8_t want[AUDIT_HASH];
	uint64_t sequence = sn_rd_u64(&k);
	enum sn_err err;

	if (sn_rd_u8(&r) != VERSION)
		return (SN_ENEWER);
	out->sequence = sn_rd_u64(&r);
	out->time = (int64_t)sn_rd_u64(&r);
	out->uid = sn_rd_u32(&r);
	sn_rd_text(&r, out->event, sizeof(out->event));
	sn_rd_text(&r, out->text, sizeof(out->text));
	sn_rd_copy(&r, out->before, AUDIT_HASH);
	sn_rd_copy(&r, out->hash, AUDIT_HASH);
	if (!sn_rd_end(&r) || !sn_rd_end(&k) || out->sequence != sequence)
		return (SN_ECORRUPT);
	if ((err = hash(value.p, value.n - AUDIT_HASH, want)) != SN_OK)
		return (err);
	if (memcmp(want, out->hash, AUDIT_HASH) != 0)
		return (SN_ECORRUPT);
	return (SN_OK);
}

/* One step of the walk: the entry is whole and follows the one before. */
static enum sn_err follows(struct sn_bytes key, struct sn_bytes value,
    uint64_t last, const uint8_t head[AUDIT_HASH], struct audit_entry *e)
{
	enum sn_err err;

	if ((err = inventory_unseal(TABLE_AUDIT, key, &value)) != SN_OK ||
	    (err = audit_decode(key, value, e)) != SN_OK)
		return (err);
	if (e->sequence != last + 1 || memcmp(e->before, head, AUDIT_HASH) != 0)
		return (SN_ECORRUPT);
	return (SN_OK);
}

enum sn_err audit_verify(struct sn_txn *txn, uint64_t *count,
    uint8_t head[AUDIT_HASH], struct sn_why *why)
{
	struct sn_cursor *c;
	struct sn_bytes key, value;
	struct audit_entry e;
	uint64_t rows;
	enum sn_err err;

	*count = 0;
	memset(head, 0, AUDIT_HASH);
	if ((err = sn_txn_count(txn, TABLE_AUDIT, &rows)) != SN_OK ||
	    (err = sn_cursor_open(txn, TABLE_AUDIT, &c)) != SN_OK)
		return (sn_why(why, err, "cannot read the audit trail"));
	for (err = sn_cursor_first(c, &key, &value); err == SN_OK;
	     err = sn_cursor_next(c, &key, &value)) {
		if ((err = follows(key, value, *count, head, &e)) != SN_OK)
			break;
		*count = e.sequence;
		memcpy(head, e.hash, AUDIT_HASH);
	}
	sn_cursor_close(c);
	if (err == SN_ENOTFOUND)
		err = *count == rows ? SN_OK : SN_ECORRUPT;
	if (err != SN_OK)
		return (sn_why(why, err,
		    "the audit trail is broken behind entry %llu",
		    (unsigned long long)*count));
	return (SN_OK);
}
