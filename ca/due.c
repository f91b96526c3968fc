#include "ca/due.h"

#include <stdlib.h>
#include <string.h>

#include "ca/audit.h"
#include "ca/book.h"
#include "ca/find.h"
#include "ca/inventory.h"
#include "ca/issuer.h"
#include "lib/clock.h"

#define KEY_BYTES (8 + SERIAL_BYTES)

/* Serials met in a walk: a walk and a change do not go together. */
struct serials {
	uint8_t (*list)[SERIAL_BYTES];
	size_t count, room;
};

static enum sn_err keep(struct serials *s, const uint8_t *serial)
{
	if (s->count == s->room) {
		size_t room = s->room == 0 ? 16 : 2 * s->room;
		uint8_t(*list)[SERIAL_BYTES] =
		    realloc(s->list, room * sizeof(*list));

		if (list == NULL)
			return (SN_ENOMEM);
		s->list = list;
		s->room = room;
	}
	memcpy(s->list[s->count++], serial, SERIAL_BYTES);
	return (SN_OK);
}

struct others {
	const struct record *but;
	const uint8_t *only; /* Or NULL. */
	struct serials serials;
};

void due_key(const struct record *rec, uint8_t out[KEY_BYTES])
{
	struct sn_wr w = sn_wr_over(out, KEY_BYTES);

	sn_wr_u64(&w, (uint64_t)rec->due);
	sn_wr_put(&w, rec->serial, SERIAL_BYTES);
}

static enum sn_err collect(void *arg, const struct record *rec)
{
	struct others *o = arg;

	if (rec->state != STATE_VALID || rec->due != 0 ||
	    rec->not_after < o->but->created ||
	    memcmp(rec->serial, o->but->serial, SERIAL_BYTES) == 0 ||
	    (o->only != NULL &&
		memcmp(rec->serial, o->only, SERIAL_BYTES) != 0))
		return (SN_OK);
	return (keep(&o->serials, rec->serial));
}

enum sn_err due_put(struct sn_txn *txn, const struct record *rec)
{
	static const struct sn_bytes nothing = { "", 0 };
	uint8_t key[KEY_BYTES];

	due_key(rec, key);
	return (inventory_put(
	    txn, TABLE_DUE, (struct sn_bytes){ key, sizeof(key) }, nothing));
}

static enum sn_err mark_one(
    struct sn_txn *txn, const uint8_t *serial, int64_t at, int64_t now)
{
	char hex[SERIAL_TEXT], when[SN_CLOCK_TEXT];
	struct record rec;
	enum sn_err err;

	if ((err = book_get(txn, serial, &rec)) != SN_OK)
		return (err);
	rec.due = at < rec.not_after ? at : rec.not_after;
	if ((err = book_put(txn, &rec)) != SN_OK ||
	    (err = due_put(txn, &rec)) != SN_OK)
		return (err);
	return (audit_add(txn, now, "renewed", "serial=%s due=%s",
	    sn_bytes_hex(serial, SERIAL_BYTES, hex),
	    sn_clock_rfc3339(rec.due, when)));
}

enum sn_err due_clear(struct sn_txn *txn, struct record *rec)
{
	uint8_t key[KEY_BYTES];
	enum sn_err err;

	if (rec->due == 0)
		return (SN_OK);
	due_key(rec, key);
	rec->due = 0;
	err = sn_txn_delete(
	    txn, TABLE_DUE, (struct sn_bytes){ key, sizeof(key) });
	return (err == SN_ENOTFOUND ? SN_ECORRUPT : err);
}

static enum sn_err read_row(struct sn_txn *txn, struct sn_bytes key,
    struct sn_bytes value, int64_t *at, struct record *rec)
{
	struct sn_rd r = sn_rd_over(key.p, key.n);
	enum sn_err err;

	if ((err = inventory_unseal(TABLE_DUE, key, &value)) != SN_OK)
		return (err);
	*at = (int64_t)sn_rd_u64(&r);
	if (key.n != KEY_BYTES)
		return (SN_ECORRUPT);
	err = book_get(txn, (const uint8_t *)key.p + 8, rec);
	return (err == SN_ENOTFOUND ? SN_ECORRUPT : err);
}

enum sn_err due_walk(struct sn_txn *txn, int64_t until,
    enum sn_err (*each)(void *arg, const struct record *rec), void *arg)
{
	struct sn_bytes key, value;
	struct sn_cursor *c;
	struct record rec;
	enum sn_err err;
	int64_t at;

	if ((err = sn_cursor_open(txn, TABLE_DUE, &c)) != SN_OK)
		return (err);
	err = sn_cursor_first(c, &key, &value);
	while (err == SN_OK) {
		if ((err = read_row(txn, key, value, &at, &rec)) != SN_OK)
			break;
		if (at > until) {
			err = SN_ENOTFOUND;
			break;
		}
		if ((err = each(arg, &rec)) == SN_OK)
			err = sn_cursor_next(c, &key, &value);
	}
	sn_cursor_close(c);
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

/* Met in a walk. */
struct ended {
	struct serials serials;
	int64_t now;
};

static enum sn_err keep_ended(void *arg, const struct record *rec)
{
	struct ended *e = arg;

	return (
	    rec->not_after < e->now ? keep(&e->serials, rec->serial) : SN_OK);
}

/* They need no revocation. */
static enum sn_err forget_ended(struct sn_txn *txn, int64_t now)
{
	struct ended e = { .now = now };
	struct record rec;
	enum sn_err err = due_walk(txn, now, keep_ended, &e);

	for (size_t i = 0; err == SN_OK && i < e.serials.count; i++)
		if ((err = book_get(txn, e.serials.list[i], &rec)) == SN_OK &&
		    (err = due_clear(txn, &rec)) == SN_OK)
			err = book_put(txn, &rec);
	free(e.serials.list);
	return (err);
}

enum sn_err due_mark(struct sn_txn *txn, const struct record *rec,
    const uint8_t *old, int64_t at)
{
	struct others others = { .but = rec, .only = old };
	enum sn_err err;

	err =
	    find_walk(txn, rec->kind, rec->name, rec->label, collect, &others);
	for (size_t i = 0; err == SN_OK && i < others.serials.count; i++)
		err = mark_one(txn, others.serials.list[i], at, rec->created);
	free(others.serials.list);
	return (err == SN_OK ? forget_ended(txn, rec->created) : err);
}

/* What a device has at a moment: one that stays, and the newest that is due.
 * One whose issuer is revoked lets nobody in, and is as good as gone. */
struct holding {
	struct sn_txn *txn;
	int64_t now;
	const struct record *but; /* Not counted; or NULL. */
	bool stays, has_due;
	uint8_t due[SERIAL_BYTES];
};

static enum sn_err look(void *arg, const struct record *rec)
{
	struct holding *h = arg;
	enum sn_err err;
	bool revoked;

	if (rec->state != STATE_VALID || rec->not_after < h->now ||
	    (h->but != NULL &&
		memcmp(rec->serial, h->but->serial, SERIAL_BYTES) == 0))
		return (SN_OK);
	err = issuer_revoked(h->txn, rec->issuer, &revoked);
	if (err != SN_OK || revoked)
		return (err);
	if (rec->due == 0) {
		h->stays = true;
		return (SN_OK);
	}
	h->has_due = true;
	memcpy(h->due, rec->serial, SERIAL_BYTES);
	return (SN_OK);
}

enum sn_err due_superseded(
    struct sn_txn *txn, const struct record *rec, int64_t now, bool *out)
{
	struct holding h = { .txn = txn, .now = now, .but = rec };
	enum sn_err err =
	    find_walk(txn, rec->kind, rec->name, rec->label, look, &h);

	*out = h.stays;
	return (err);
}

enum sn_err due_release(struct sn_txn *txn, const struct record *rec,
    int64_t now, struct record *out)
{
	struct holding h = { .txn = txn, .now = now };
	char hex[SERIAL_TEXT];
	enum sn_err err;

	err = find_walk(txn, rec->kind, rec->name, rec->label, look, &h);
	if (err != SN_OK)
		return (err);
	if (h.stays || !h.has_due)
		return (SN_ENOTFOUND);
	if ((err = book_get(txn, h.due, out)) != SN_OK ||
	    (err = due_clear(txn, out)) != SN_OK ||
	    (err = book_put(txn, out)) != SN_OK)
		return (err == SN_ENOTFOUND ? SN_ECORRUPT : err);
	/* It belonged to the row that was replaced. */
	out->der = (struct sn_bytes){ "", 0 };
	return (audit_add(txn, now, "renewal.undone", "serial=%s",
	    sn_bytes_hex(out->serial, SERIAL_BYTES, hex)));
}

static enum sn_err keep_serial(void *arg, const struct record *rec)
{
	return (keep(arg, rec->serial));
}

enum sn_err due_release_all(struct sn_txn *txn, int64_t now, unsigned *count)
{
	struct serials all = { .count = 0 };
	struct record rec, released;
	enum sn_err err = due_walk(txn, INT64_MAX, keep_serial, &all);

	*count = 0;
	for (size_t i = 0; err == SN_OK && i < all.count; i++) {
		if ((err = book_get(txn, all.list[i], &rec)) != SN_OK)
			break;
		err = due_release(txn, &rec, now, &released);
		*count += err == SN_OK;
		err = err == SN_ENOTFOUND ? SN_OK : err;
	}
	free(all.list);
	return (err);
}
