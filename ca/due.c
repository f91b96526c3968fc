#include "ca/due.h"

#include <string.h>

#include "ca/audit.h"
#include "ca/book.h"
#include "ca/find.h"
#include "ca/inventory.h"
#include "lib/clock.h"

#define KEY_BYTES (8 + SERIAL_BYTES)

/* So many at most are renewed by one: a device has one or two. */
#define OTHERS_MAX 64

struct others {
	const struct record *but;
	uint8_t serials[OTHERS_MAX][SERIAL_BYTES];
	size_t count;
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
	    memcmp(rec->serial, o->but->serial, SERIAL_BYTES) == 0)
		return (SN_OK);
	if (o->count == OTHERS_MAX)
		return (SN_ELIMIT);
	memcpy(o->serials[o->count++], rec->serial, SERIAL_BYTES);
	return (SN_OK);
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

enum sn_err due_mark(struct sn_txn *txn, const struct record *rec, int64_t at)
{
	struct others others = { .but = rec };
	enum sn_err err;

	/* First all, for a walk and a change do not go together. */
	err =
	    find_walk(txn, rec->kind, rec->name, rec->label, collect, &others);
	for (size_t i = 0; err == SN_OK && i < others.count; i++)
		err = mark_one(txn, others.serials[i], at, rec->created);
	return (err);
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
