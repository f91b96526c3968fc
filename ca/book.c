#include "ca/book.h"

#include <stdlib.h>
#include <string.h>

#include "ca/audit.h"
#include "ca/crl_list.h"
#include "ca/due.h"
#include "ca/find.h"
#include "ca/inventory.h"
#include "ca/issuer.h"
#include "ca/ssl.h"
#include "lib/clock.h"
#include "lib/secret.h"

#define INTENT_VERSION 3
#define INTENT_OLDER 2 /* Without the serial of the old one. */
#define INTENT_MAX (PATH_BYTES + 64)

static struct sn_bytes serial_of(const struct record *rec)
{
	return ((struct sn_bytes){ rec->serial, SERIAL_BYTES });
}

size_t book_prefix(enum record_kind kind, const char *name, const char *label,
    uint8_t out[BOOK_KEY])
{
	struct sn_wr w = sn_wr_over(out, BOOK_KEY);

	/* Names have no NUL, so none is the start of another's keys. */
	sn_wr_u8(&w, (uint8_t)kind);
	sn_wr_put(&w, name, strlen(name) + 1);
	if (label != NULL)
		sn_wr_put(&w, label, strlen(label) + 1);
	return (w.n);
}

size_t book_device_key(const struct record *rec, uint8_t out[BOOK_KEY])
{
	size_t n = book_prefix(rec->kind, rec->name, rec->label, out);
	struct sn_wr w = sn_wr_over(out + n, BOOK_KEY - n);

	sn_wr_u64(&w, (uint64_t)rec->not_before);
	sn_wr_put(&w, rec->serial, SERIAL_BYTES);
	return (n + w.n);
}

void book_expiry_key(const struct record *rec, uint8_t out[8 + SERIAL_BYTES])
{
	struct sn_wr w = sn_wr_over(out, 8 + SERIAL_BYTES);

	sn_wr_u64(&w, (uint64_t)rec->not_after);
	sn_wr_put(&w, rec->serial, SERIAL_BYTES);
}

enum sn_err book_put(struct sn_txn *txn, const struct record *rec)
{
	uint8_t *row = malloc(RECORD_MAX);
	enum sn_err err;
	size_t n;

	if (row == NULL)
		return (SN_ENOMEM);
	if ((err = record_encode(rec, row, &n)) == SN_OK)
		err = inventory_put(txn, TABLE_CERTIFICATE, serial_of(rec),
		    (struct sn_bytes){ row, n });
	free(row);
	return (err);
}

enum sn_err book_get(
    struct sn_txn *txn, const uint8_t serial[SERIAL_BYTES], struct record *out)
{
	struct sn_bytes key = { serial, SERIAL_BYTES }, value;
	enum sn_err err;

	err = inventory_get(txn, TABLE_CERTIFICATE, key, &value);
	if (err != SN_OK)
		return (err);
	return (record_decode(key, value, out));
}

struct newest {
	int64_t now;
	struct record *out;
	bool found;
};

static enum sn_err keep_newest(void *arg, const struct record *rec)
{
	struct newest *n = arg;

	/* They come in the order of their starts. */
	if (rec->state == STATE_VALID && rec->not_after >= n->now) {
		*n->out = *rec;
		n->found = true;
	}
	return (SN_OK);
}

enum sn_err book_newest(struct sn_txn *txn, enum record_kind kind,
    const char *name, const char *label, int64_t now, struct record *out)
{
	struct newest n = { .now = now, .out = out };
	enum sn_err err = find_walk(txn, kind, name, label, keep_newest, &n);

	if (err != SN_OK)
		return (err);
	return (n.found ? SN_OK : SN_ENOTFOUND);
}

/* A serial no certificate has had.  It begins with the time, so that new rows
 * lie together: were all of it random, a batch would write as many pages as it
 * has certificates, all over the file. */
static enum sn_err fresh_serial(
    struct sn_txn *txn, struct record *rec, int64_t now)
{
	struct sn_wr w = sn_wr_over(rec->serial, SERIAL_BYTES - SERIAL_RANDOM);
	struct sn_bytes value;
	enum sn_err err;

	sn_wr_u8(&w, 1); /* Positive, and of one length for ever. */
	sn_wr_u32(&w, (uint32_t)now);
	do {
		sn_secret_random(rec->serial + w.n, SERIAL_RANDOM);
		err = inventory_get(
		    txn, TABLE_CERTIFICATE, serial_of(rec), &value);
	} while (err == SN_OK);
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

static enum sn_err put_intent(
    struct sn_txn *txn, const struct record *rec, const struct intent *intent)
{
	uint8_t row[INTENT_MAX];
	struct sn_wr w = sn_wr_over(row, sizeof(row));

	sn_wr_u8(&w, INTENT_VERSION);
	sn_wr_u8(&w, intent->entered);
	sn_wr_u8(&w, intent->has_key);
	sn_wr_u8(&w, intent->renews);
	sn_wr_u64(&w, (uint64_t)intent->keep_old);
	sn_wr_u32(&w, intent->founds);
	sn_wr_blob(&w, sn_bytes_of(intent->to));
	sn_wr_put(&w, intent->old, SERIAL_BYTES);
	if (w.bad)
		return (SN_ETOOBIG);
	return (inventory_put(
	    txn, TABLE_INTENT, serial_of(rec), (struct sn_bytes){ row, w.n }));
}

enum sn_err book_intent(
    struct sn_txn *txn, const struct record *rec, struct intent *out)
{
	struct sn_bytes value, to;
	uint8_t version;
	struct sn_rd r;
	enum sn_err err;

	err = inventory_get(txn, TABLE_INTENT, serial_of(rec), &value);
	if (err != SN_OK)
		return (err);
	r = sn_rd_over(value.p, value.n);
	version = sn_rd_u8(&r);
	if (version != INTENT_VERSION && version != INTENT_OLDER)
		return (SN_ENEWER);
	out->entered = sn_rd_u8(&r) != 0;
	out->has_key = sn_rd_u8(&r) != 0;
	out->renews = sn_rd_u8(&r) != 0;
	out->keep_old = (int64_t)sn_rd_u64(&r);
	out->founds = sn_rd_u32(&r);
	to = sn_rd_blob(&r);
	memset(out->old, 0, SERIAL_BYTES);
	if (version != INTENT_OLDER)
		sn_rd_copy(&r, out->old, SERIAL_BYTES);
	if (!sn_rd_end(&r) || to.n >= sizeof(out->to))
		return (SN_ECORRUPT);
	memcpy(out->to, to.p, to.n);
	out->to[to.n] = '\0';
	return (SN_OK);
}

/* A device gets a second one only as a renewal of one that still holds. */
static enum sn_err refuse_wrong(struct sn_txn *txn, const struct record *rec,
    bool replaces, bool renews, int64_t now, struct sn_why *why)
{
	char until[SN_CLOCK_TEXT];
	struct record old;
	enum sn_err err;

	if (rec->kind != KIND_CLIENT || (replaces && !renews))
		return (SN_OK);
	err = book_newest(txn, rec->kind, rec->name, rec->label, now, &old);
	if (err == SN_ENOTFOUND && renews)
		return (sn_why(why, SN_EDENIED,
		    "%s has no valid certificate for the device %s any more; "
		    "sicher-ca issue makes a new one",
		    rec->name, rec->label));
	if (err != SN_OK || renews)
		return (err == SN_ENOTFOUND ? SN_OK : err);
	return (sn_why(why, SN_EEXISTS,
	    "%s has a certificate for the device %s until %s; renew it, "
	    "revoke it first, or name another device with --device",
	    rec->name, rec->label, sn_clock_rfc3339(old.not_after, until)));
}

enum sn_err book_reserve_in(struct sn_txn *txn, struct record *rec,
    bool replaces, const struct intent *intent, struct sn_why *why)
{
	char hex[SERIAL_TEXT], name[2 * NAME_BYTES];
	int64_t now;
	enum sn_err err;

	if ((err = authority_now(txn, &now, why)) != SN_OK ||
	    (err = refuse_wrong(
		 txn, rec, replaces, intent->renews, now, why)) != SN_OK ||
	    (err = fresh_serial(txn, rec, now)) != SN_OK)
		return (err);
	rec->state = STATE_PENDING;
	rec->created = rec->not_before = now;
	rec->not_after += now;
	if ((err = authority_touch(txn, now)) != SN_OK ||
	    (err = book_put(txn, rec)) != SN_OK ||
	    (err = put_intent(txn, rec, intent)) != SN_OK)
		return (err);
	return (audit_add(txn, now, "issue.intent",
	    "serial=%s kind=%s name=%s label=%s",
	    sn_bytes_hex(rec->serial, SERIAL_BYTES, hex),
	    record_kind_text(rec->kind),
	    audit_value(rec->name, name, sizeof(name)), rec->label));
}

/* Ends a transaction: commits after SN_OK, else aborts, and explains. */
static enum sn_err end(struct authority *a, struct sn_txn *txn, enum sn_err err,
    struct sn_why *why)
{
	if (err == SN_OK)
		return (inventory_why(a->store, sn_txn_commit(txn), why));
	sn_txn_abort(txn);
	/* These two carry a sentence of their own. */
	if (err == SN_EEXISTS || err == SN_EDENIED)
		return (err);
	return (inventory_why(a->store, err, why));
}

enum sn_err book_reserve(struct authority *a, struct record *rec, bool replaces,
    const struct intent *intent, struct sn_why *why)
{
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = sn_txn_write(a->store, &txn)) != SN_OK)
		return (inventory_why(a->store, err, why));
	return (
	    end(a, txn, book_reserve_in(txn, rec, replaces, intent, why), why));
}

enum sn_err book_allows(struct authority *a, const struct record *rec,
    bool replaces, const struct intent *intent, struct sn_why *why)
{
	struct sn_txn *txn;
	int64_t now;
	enum sn_err err;

	if ((err = sn_txn_read(a->store, &txn)) != SN_OK)
		return (inventory_why(a->store, err, why));
	if ((err = authority_now(txn, &now, why)) == SN_OK)
		err =
		    refuse_wrong(txn, rec, replaces, intent->renews, now, why);
	/* Ended as a write is that failed: what it refuses is said. */
	if (err != SN_OK)
		return (end(a, txn, err, why));
	sn_txn_abort(txn);
	return (SN_OK);
}

static enum sn_err count_up(
    struct sn_txn *txn, enum record_kind kind, const char *name)
{
	uint8_t key[BOOK_KEY], b[8];
	size_t n = book_prefix(kind, name, NULL, key);
	struct sn_bytes value;
	struct sn_wr w = sn_wr_over(b, sizeof(b));
	uint64_t count = 0;
	enum sn_err err;

	err = inventory_get(
	    txn, TABLE_ACCOUNT, (struct sn_bytes){ key, n }, &value);
	if (err == SN_OK) {
		struct sn_rd r = sn_rd_over(value.p, value.n);

		count = sn_rd_u64(&r);
	} else if (err != SN_ENOTFOUND) {
		return (err);
	}
	sn_wr_u64(&w, count + 1);
	return (inventory_put(txn, TABLE_ACCOUNT, (struct sn_bytes){ key, n },
	    (struct sn_bytes){ b, sizeof(b) }));
}

static enum sn_err put_indexes(struct sn_txn *txn, const struct record *rec)
{
	static const struct sn_bytes nothing = { "", 0 };
	uint8_t key[BOOK_KEY], expiry[8 + SERIAL_BYTES];
	size_t n = book_device_key(rec, key);
	enum sn_err err;

	book_expiry_key(rec, expiry);
	if ((err = inventory_insert(txn, TABLE_DEVICE,
		 (struct sn_bytes){ key, n }, nothing)) != SN_OK ||
	    (err = count_up(txn, rec->kind, rec->name)) != SN_OK ||
	    (err = inventory_insert(txn, TABLE_EXPIRY,
		 (struct sn_bytes){ expiry, sizeof(expiry) }, nothing)) !=
		SN_OK)
		return (err);
	return (inventory_insert(txn, TABLE_FINGERPRINT,
	    (struct sn_bytes){ rec->fingerprint, FINGERPRINT_BYTES },
	    serial_of(rec)));
}

enum sn_err book_adopt(struct sn_txn *txn, const struct record *rec)
{
	enum sn_err err;

	if ((err = book_put(txn, rec)) != SN_OK ||
	    (rec->der.n > 0 && (err = put_indexes(txn, rec)) != SN_OK) ||
	    (rec->due != 0 && (err = due_put(txn, rec)) != SN_OK))
		return (err);
	if (rec->state == STATE_REVOKED)
		return (crl_list_add(txn, rec));
	return (SN_OK);
}

enum sn_err book_settled(struct sn_txn *txn, const struct record *rec)
{
	enum sn_err err = sn_txn_delete(txn, TABLE_INTENT, serial_of(rec));

	return (err == SN_ENOTFOUND ? SN_OK : err);
}

enum sn_err book_abandon(struct sn_txn *txn, struct record *rec)
{
	char hex[SERIAL_TEXT];
	enum sn_err err;

	rec->state = STATE_ABANDONED;
	rec->der = (struct sn_bytes){ "", 0 };
	memset(rec->fingerprint, 0, sizeof(rec->fingerprint));
	if ((err = book_put(txn, rec)) != SN_OK ||
	    (err = book_settled(txn, rec)) != SN_OK)
		return (err);
	return (audit_add(txn, rec->created, "issue.abandon", "serial=%s",
	    sn_bytes_hex(rec->serial, SERIAL_BYTES, hex)));
}

/* What else is true from the moment a certificate is. */
static enum sn_err take_effect(
    struct sn_txn *txn, const struct record *rec, const struct intent *intent)
{
	static const uint8_t none[SERIAL_BYTES];
	bool one = memcmp(intent->old, none, SERIAL_BYTES) != 0;

	if (rec->kind == KIND_ROOT || rec->kind == KIND_ISSUER)
		return (issuer_found(txn, intent->founds, rec->serial));
	if (intent->renews)
		return (due_mark(txn, rec, one ? intent->old : NULL,
		    rec->created + intent->keep_old));
	return (SN_OK);
}

enum sn_err book_enter_in(
    struct sn_txn *txn, struct record *rec, bool replaces, struct sn_why *why)
{
	struct intent intent;
	struct record now;
	char hex[SERIAL_TEXT];
	enum sn_err err;

	if ((err = book_get(txn, rec->serial, &now)) != SN_OK ||
	    (err = book_intent(txn, rec, &intent)) != SN_OK)
		return (err);
	/* Somebody settled us while we were signing: stay out. */
	if (now.state != STATE_PENDING)
		return (SN_EBUG);
	/* Two commands may have reserved for one device at the same time, or
	 * another has revoked what this one renews. */
	err =
	    refuse_wrong(txn, rec, replaces, intent.renews, rec->created, why);
	if (err != SN_OK) {
		enum sn_err given_up = SN_OK;

		if (err == SN_EEXISTS || err == SN_EDENIED)
			given_up = book_abandon(txn, rec);
		return (given_up != SN_OK ? given_up : err);
	}
	intent.entered = true;
	rec->state = STATE_VALID;
	if ((err = book_put(txn, rec)) != SN_OK ||
	    (err = put_indexes(txn, rec)) != SN_OK ||
	    (err = put_intent(txn, rec, &intent)) != SN_OK ||
	    (err = take_effect(txn, rec, &intent)) != SN_OK)
		return (err);
	return (audit_add(txn, rec->created, "issue", "serial=%s",
	    sn_bytes_hex(rec->serial, SERIAL_BYTES, hex)));
}

enum sn_err book_enter(struct authority *a, struct record *rec, bool replaces,
    struct sn_bytes der, struct sn_why *why)
{
	struct sn_txn *txn;
	enum sn_err err;

	rec->der = der;
	if ((err = ssl_fingerprint(der.p, der.n, rec->fingerprint)) != SN_OK)
		return (sn_why(why, err, "cannot hash the certificate"));
	if ((err = sn_txn_write(a->store, &txn)) != SN_OK)
		return (inventory_why(a->store, err, why));
	err = book_enter_in(txn, rec, replaces, why);
	if (err == SN_EEXISTS || err == SN_EDENIED) {
		/* What was given up is committed, too. */
		enum sn_err kept = end(a, txn, SN_OK, why);

		return (kept != SN_OK ? kept : err);
	}
	return (end(a, txn, err, why));
}

enum sn_err book_delivered(
    struct authority *a, const struct record *rec, struct sn_why *why)
{
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = sn_txn_write(a->store, &txn)) != SN_OK)
		return (inventory_why(a->store, err, why));
	return (end(a, txn, book_settled(txn, rec), why));
}
