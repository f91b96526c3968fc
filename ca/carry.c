#include "ca/carry.h"

#include <string.h>

#include <openssl/x509v3.h>

#include "ca/audit.h"
#include "ca/book.h"
#include "ca/crl.h"
#include "ca/crl_list.h"
#include "ca/due.h"
#include "ca/inventory.h"
#include "ca/issuer.h"
#include "ca/keyring.h"

/* ${mine} becomes what ${rec} is already. */
static enum sn_err revoke(
    struct sn_txn *to, struct record *mine, const struct record *rec)
{
	enum sn_err err;

	if ((err = due_clear(to, mine)) != SN_OK)
		return (err);
	mine->state = STATE_REVOKED;
	mine->revoked_at = rec->revoked_at;
	mine->reason = rec->reason;
	if ((err = book_put(to, mine)) != SN_OK)
		return (err);
	return (crl_list_add(to, mine));
}

static enum sn_err merge(struct sn_txn *to, struct record *mine,
    const struct record *rec, struct carried *c)
{
	enum sn_err err;

	if (rec->state == STATE_REVOKED && mine->state == STATE_VALID) {
		c->revocations++;
		return (revoke(to, mine, rec));
	}
	if (rec->state == STATE_VALID && mine->state == STATE_VALID &&
	    rec->due != 0 && mine->due == 0) {
		mine->due = rec->due;
		if ((err = book_put(to, mine)) != SN_OK)
			return (err);
		return (due_put(to, mine));
	}
	return (SN_OK);
}

static bool is_signed(const struct record *rec)
{
	return (rec->state == STATE_VALID || rec->state == STATE_REVOKED);
}

static enum sn_err carry_record(
    struct sn_txn *to, const struct record *rec, struct carried *c)
{
	struct record mine;
	enum sn_err err;

	err = book_get(to, rec->serial, &mine);
	if (err != SN_OK && err != SN_ENOTFOUND)
		return (err);
	/* What became of it is known there. */
	if (err == SN_OK && rec->state != STATE_PENDING) {
		enum sn_err settled = book_settled(to, rec);

		if (settled != SN_OK)
			return (settled);
	}
	if (err == SN_OK && is_signed(&mine))
		return (merge(to, &mine, rec, c));
	/* A serial that was taken, and is signed only there. */
	c->certificates += is_signed(rec);
	c->revocations += rec->state == STATE_REVOKED;
	return (book_adopt(to, rec));
}

static enum sn_err carry_records(
    struct sn_txn *from, struct sn_txn *to, struct carried *c)
{
	struct sn_bytes key, value;
	struct sn_cursor *cursor;
	struct record rec;
	enum sn_err err;

	if ((err = sn_cursor_open(from, TABLE_CERTIFICATE, &cursor)) != SN_OK)
		return (err);
	for (err = sn_cursor_first(cursor, &key, &value); err == SN_OK;
	     err = sn_cursor_next(cursor, &key, &value))
		if ((err = inventory_unseal(TABLE_CERTIFICATE, key, &value)) !=
			SN_OK ||
		    (err = record_decode(key, value, &rec)) != SN_OK ||
		    (err = carry_record(to, &rec, c)) != SN_OK)
			break;
	sn_cursor_close(cursor);
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

/* Takes over the list of ${i} in ${from}; ${i} goes into ${to}. */
static enum sn_err carry_list(
    struct sn_txn *from, struct sn_txn *to, const struct issuer *i)
{
	uint8_t b[4];
	struct sn_bytes key = issuer_id_key(i->id, b), der;
	enum sn_err err;

	err = inventory_get(from, TABLE_CRL, key, &der);
	if (err == SN_OK)
		err = inventory_put(to, TABLE_CRL, key, der);
	if (err != SN_OK && err != SN_ENOTFOUND)
		return (err);
	return (issuer_put(to, i));
}

enum sn_err carry_listed(struct sn_txn *txn, uint32_t id, uint64_t *out)
{
	X509_CRL *crl;
	enum sn_err err;

	*out = 0;
	if ((err = crl_kept(txn, id, &crl)) != SN_OK)
		return (err == SN_ENOTFOUND ? SN_OK : err);
	*out = carry_number(crl);
	X509_CRL_free(crl);
	return (SN_OK);
}

uint64_t carry_number(X509_CRL *crl)
{
	ASN1_INTEGER *n = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
	uint64_t number = 0;

	if (n == NULL || ASN1_INTEGER_get_uint64(&number, n) != 1)
		number = 0;
	ASN1_INTEGER_free(n);
	return (number);
}

enum sn_err carry_parted(uint32_t id, struct sn_why *why)
{
	char name[32];

	return (sn_why(why, SN_EDENIED,
	    "the backup and what is there have each made another %s, since "
	    "they parted; restore it into another folder with --dir, and "
	    "revoke there what is not to hold",
	    issuer_key(id, name)));
}

static enum sn_err carry_issuer(struct sn_txn *from, struct sn_txn *to,
    struct issuer *theirs, struct carried *c, struct sn_why *why)
{
	struct issuer mine;
	uint64_t have, there;
	enum sn_err err;

	err = issuer_get(to, theirs->id, &mine);
	if (err == SN_ENOTFOUND) {
		c->issuers++;
		return (carry_list(from, to, theirs));
	}
	if (err != SN_OK)
		return (err);
	if (memcmp(mine.serial, theirs->serial, SERIAL_BYTES) != 0)
		return (carry_parted(theirs->id, why));
	if ((err = carry_listed(to, theirs->id, &have)) != SN_OK ||
	    (err = carry_listed(from, theirs->id, &there)) != SN_OK)
		return (err);
	mine.active = theirs->active = mine.active || theirs->active;
	/* Numbers go on behind the highest that was reserved, and lists behind
	 * the highest that was signed. */
	if (theirs->crl_number > mine.crl_number) {
		mine.crl_number = theirs->crl_number;
		if (theirs->crl_number > c->crl)
			c->crl = theirs->crl_number;
	}
	theirs->crl_number = mine.crl_number;
	if (there <= have)
		return (issuer_put(to, &mine));
	return (carry_list(from, to, theirs));
}

static enum sn_err carry_issuers(struct sn_txn *from, struct sn_txn *to,
    struct carried *c, struct sn_why *why)
{
	struct issuer theirs;
	enum sn_err err;

	for (uint32_t id = ISSUER_ROOT;
	     (err = issuer_from(from, id, &theirs)) == SN_OK;
	     id = theirs.id + 1)
		if ((err = carry_issuer(from, to, &theirs, c, why)) != SN_OK)
			return (err);
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

static enum sn_err carry_meta(struct sn_txn *from, struct sn_txn *to)
{
	char moved[PATH_BYTES];
	int64_t a, b;
	enum sn_err err;

	if ((err = inventory_number(from, "last_time", 0, &a)) != SN_OK ||
	    (err = inventory_number(to, "last_time", 0, &b)) != SN_OK ||
	    (a > b &&
		(err = inventory_set_number(to, "last_time", a)) != SN_OK) ||
	    (err = keyring_moved(from, moved)) != SN_OK || moved[0] == '\0')
		return (err);
	return (keyring_note_moved(to, moved));
}

/* Entries that follow on the last one of ours. */
static enum sn_err carry_audit(
    struct sn_txn *from, struct sn_txn *to, struct carried *c)
{
	uint8_t head[AUDIT_HASH], b[8];
	struct sn_wr w = sn_wr_over(b, sizeof(b));
	struct sn_bytes key, value;
	struct audit_entry e;
	struct sn_cursor *cursor;
	uint64_t sequence;
	enum sn_err err;

	if ((err = audit_head(to, &sequence, head)) != SN_OK ||
	    (err = sn_cursor_open(from, TABLE_AUDIT, &cursor)) != SN_OK)
		return (err);
	sn_wr_u64(&w, sequence + 1);
	err = sn_cursor_seek(
	    cursor, (struct sn_bytes){ b, sizeof(b) }, &key, &value);
	while (err == SN_OK) {
		if ((err = inventory_unseal(TABLE_AUDIT, key, &value)) !=
			SN_OK ||
		    (err = audit_decode(key, value, &e)) != SN_OK)
			break;
		/* Trails that have parted cannot be made one. */
		if (memcmp(e.before, head, AUDIT_HASH) != 0) {
			err = SN_ENOTFOUND;
			break;
		}
		memcpy(head, e.hash, AUDIT_HASH);
		c->entries++;
		if ((err = inventory_insert(to, TABLE_AUDIT, key, value)) ==
		    SN_OK)
			err = sn_cursor_next(cursor, &key, &value);
	}
	sn_cursor_close(cursor);
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

enum sn_err carry_books(struct sn_txn *from, struct sn_txn *to,
    struct carried *c, struct sn_why *why)
{
	enum sn_err err;

	if ((err = carry_records(from, to, c)) != SN_OK ||
	    (err = carry_issuers(from, to, c, why)) != SN_OK ||
	    (err = carry_meta(from, to)) != SN_OK)
		return (err);
	return (carry_audit(from, to, c));
}

/* The first that is left; SN_ENOTFOUND. */
static enum sn_err first_intent(struct sn_txn *to, struct record *rec)
{
	struct sn_bytes key, value;
	struct sn_cursor *c;
	enum sn_err err;

	if ((err = sn_cursor_open(to, TABLE_INTENT, &c)) != SN_OK)
		return (err);
	err = sn_cursor_first(c, &key, &value);
	if (err == SN_OK && key.n != SERIAL_BYTES)
		err = SN_ECORRUPT;
	if (err == SN_OK && (err = book_get(to, key.p, rec)) == SN_ENOTFOUND)
		err = SN_ECORRUPT;
	sn_cursor_close(c);
	return (err);
}

/* By its serial alone, as what only a list knows. */
static enum sn_err revoke_unsigned(
    struct sn_txn *to, struct record *rec, int64_t now)
{
	enum sn_err err;

	rec->state = STATE_REVOKED;
	rec->revoked_at = now;
	rec->reason = REASON_SUPERSEDED;
	rec->der = (struct sn_bytes){ "", 0 };
	if ((err = book_put(to, rec)) != SN_OK)
		return (err);
	return (crl_list_add(to, rec));
}

enum sn_err carry_intents(struct sn_txn *to, int64_t now,
    void (*tell)(void *arg, const struct record *rec, bool is_revoked),
    void *arg)
{
	struct record rec;
	enum sn_err err;

	while ((err = first_intent(to, &rec)) == SN_OK) {
		bool is_pending = rec.state == STATE_PENDING;

		if ((err = book_settled(to, &rec)) != SN_OK ||
		    (is_pending &&
			(err = revoke_unsigned(to, &rec, now)) != SN_OK))
			return (err);
		if (is_pending || rec.state == STATE_VALID)
			tell(arg, &rec, is_pending);
	}
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

enum sn_err carry_skip(struct sn_txn *to, uint64_t by)
{
	struct issuer i;
	enum sn_err err;
	uint64_t high = 0;

	for (uint32_t id = ISSUER_ROOT;
	     (err = issuer_from(to, id, &i)) == SN_OK; id = i.id + 1)
		if (i.crl_number > high)
			high = i.crl_number;
	if (err != SN_ENOTFOUND)
		return (err);
	for (uint32_t id = 1; (err = issuer_from(to, id, &i)) == SN_OK;
	     id = i.id + 1) {
		i.crl_number = high + by;
		i.crl_stale = true;
		if ((err = issuer_put(to, &i)) != SN_OK)
			return (err);
	}
	return (err == SN_ENOTFOUND ? issuer_skip(to) : err);
}
