#include "server/oplog/db_carry.h"

#include "server/oplog/db_carry_impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "server/oplog/db_migrate.h"

#define N(x) ((unsigned long long)(x))

typedef enum sn_err carry_row(
    struct carry *w, struct sn_bytes key, struct sn_bytes value);

void db_carry_say(struct carry *w, const char *format, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	w->c->tell(w->c->arg, text);
}

void db_carry_carried(struct carry *w, const char *account, const char *what)
{
	w->c->carried++;
	db_carry_say(w, "%s: %s", account, what);
}

enum sn_err db_carry_unreadable(
    struct carry *w, const char *table, struct sn_bytes key, enum sn_err err)
{
	char hex[2 * 40 + 1];

	if (sn_txn_error(w->old) != SN_OK ||
	    (err != SN_ECORRUPT && err != SN_ENEWER))
		return (err);
	w->c->unreadable++;
	db_carry_say(w, "%s: the record %s cannot be read: %s", table,
	    sn_bytes_hex(key.p, key.n < 40 ? key.n : 40, hex),
	    sn_err_text(err));
	return (SN_OK);
}

static enum sn_err each(struct carry *w, enum db_table table, carry_row *row)
{
	struct sn_bytes key, value;
	struct sn_cursor *c;
	enum sn_err err;

	if ((err = sn_cursor_open(w->old, table, &c)) != SN_OK)
		return (err);
	err = sn_cursor_first(c, &key, &value);
	while (err == SN_OK) {
		if ((err = row(w, key, value)) != SN_OK)
			break;
		err = sn_cursor_next(c, &key, &value);
	}
	sn_cursor_close(c);
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

enum sn_err db_carry_apply(struct carry *w, const struct op *op)
{
	uint8_t space[OP_OVERHEAD];
	struct sn_wr wr = sn_wr_over(space, sizeof(space));
	struct applied out;
	enum sn_err err;

	op_encode(op, &wr);
	if (wr.bad)
		return (SN_EBUG);
	err = applier_apply(
	    &w->into, (struct sn_bytes){ space, wr.n }, w->into.last + 1, &out);
	return (sn_err_class(err) == SN_C_REQUEST ? SN_EBUG : err);
}

static enum sn_err set_state(
    struct carry *w, const struct account *a, enum account_state state)
{
	struct op op = { .kind = OP_ACCOUNT_STATE, .time = w->now };

	op.account_state.account = a->id;
	op.account_state.state = state;
	db_carry_carried(w, a->name, account_state_word(state));
	return (db_carry_apply(w, &op));
}

static enum sn_err account_row(
    struct carry *w, struct sn_bytes key, struct sn_bytes value)
{
	struct account then, was;
	uint64_t id;
	enum sn_err err;

	(void)value;
	if ((err = db_u64(key, &id)) != SN_OK ||
	    (err = account_get(w->old, id, &was)) != SN_OK)
		return (db_carry_unreadable(w, "accounts", key, err));
	err = account_get(w->into.txn, id, &then);
	if (err != SN_OK)
		return (err == SN_ENOTFOUND ? SN_OK : err);
	if (then.created != was.created || strcmp(then.name, was.name) != 0)
		return (sn_why(w->why, SN_EINVAL,
		    "it is another server's: the account %llu is %s there and "
		    "%s in the backup",
		    N(id), was.name, then.name));
	w->same++;
	/* Only what takes something away. */
	if (was.state <= then.state)
		return (SN_OK);
	return (set_state(w, &then, was.state));
}

/* Deletions left them there, at their own time. */
static enum sn_err tombstone_row(
    struct carry *w, struct sn_bytes key, struct sn_bytes value)
{
	uint64_t when;
	enum sn_err err;

	if ((err = db_u64(value, &when)) != SN_OK)
		return (db_carry_unreadable(w, "tombstones", key, err));
	return (db_put_u64(w->into.txn, DB_TOMBSTONES, key, when));
}

static enum sn_err bind(struct carry *w, const struct device *d)
{
	uint8_t key[8 + DEVICE_FINGERPRINT];
	struct sn_wr wr = sn_wr_over(key, sizeof(key));
	enum sn_err err;

	sn_wr_u64(&wr, d->account);
	sn_wr_put(&wr, d->fingerprint, DEVICE_FINGERPRINT);
	if ((err = device_put(w->into.txn, d)) != SN_OK)
		return (err);
	return (sn_txn_put(w->into.txn, DB_ACCOUNT_DEVICES,
	    (struct sn_bytes){ key, wr.n }, (struct sn_bytes){ NULL, 0 }));
}

/*
 * A device of an account that was added since.  Its account is gone, and may
 * be added again under another number: its good devices open that one.  Those
 * that were revoked never do, being bound to what is buried here.
 */
static enum sn_err newcomer(struct carry *w, const struct device *d)
{
	struct account a;
	enum sn_err err;

	if (!d->revoked)
		return (SN_OK);
	if ((err = account_get(w->old, d->account, &a)) != SN_OK)
		return (apply_must(err));
	a.state = ACCOUNT_DELETED;
	if ((err = account_put(w->into.txn, &a)) != SN_OK)
		return (err);
	db_carry_carried(w, a.name, "a revoked device");
	return (bind(w, d));
}

static enum sn_err revoke(
    struct carry *w, const struct device *d, const char *account)
{
	struct op op = { .kind = OP_DEVICE_REVOKE, .time = w->now };
	char what[SN_NAME_MAX + 32];

	(void)snprintf(what, sizeof(what), "the device %s revoked", d->label);
	db_carry_carried(w, account, what);
	op.device_revoke.account = d->account;
	memcpy(
	    op.device_revoke.fingerprint, d->fingerprint, DEVICE_FINGERPRINT);
	return (db_carry_apply(w, &op));
}

static enum sn_err device_row(
    struct carry *w, struct sn_bytes key, struct sn_bytes value)
{
	struct device was, then;
	struct account a;
	enum sn_err err = SN_ECORRUPT;

	(void)value;
	if (key.n != DEVICE_FINGERPRINT ||
	    (err = device_get(w->old, key.p, &was)) != SN_OK)
		return (db_carry_unreadable(w, "devices", key, err));
	err = account_get(w->into.txn, was.account, &a);
	if (err == SN_ENOTFOUND) {
		err = newcomer(w, &was);
		return (err == SN_ECORRUPT
			    ? db_carry_unreadable(w, "accounts", key, err)
			    : err);
	}
	if (err != SN_OK)
		return (err);
	err = device_get(w->into.txn, key.p, &then);
	if (err == SN_ENOTFOUND) {
		if (was.revoked)
			db_carry_carried(w, a.name, "a revoked device");
		return (bind(w, &was));
	}
	if (err != SN_OK || then.revoked || !was.revoked)
		return (err);
	return (revoke(w, &was, a.name));
}

static enum sn_err unmap(struct carry *w, const struct mapping *m)
{
	struct op op = { .kind = OP_SUBJECT_UNMAP, .time = w->now };
	struct account a;
	enum sn_err err;

	if ((err = account_get(w->into.txn, m->account, &a)) != SN_OK)
		return (apply_must(err));
	op.subject_unmap.account = m->account;
	op.subject_unmap.key = mapping_key(m);
	db_carry_carried(w, a.name, "a subject no longer mapped to it");
	return (db_carry_apply(w, &op));
}

/* Of those that the backup has; deletions have taken theirs already. */
static enum sn_err mappings(struct carry *w)
{
	struct mapping m = { .account = 0 };
	bool found;
	enum sn_err err;

	while (
	    (err = mapping_next(w->into.txn, &m, &found)) == SN_OK && found) {
		err = mapping_get(w->old, m.account, mapping_key(&m));
		if (err == SN_ENOTFOUND)
			err = unmap(w, &m);
		else if (err == SN_ECORRUPT)
			err = db_carry_unreadable(
			    w, "mappings", mapping_key(&m), err);
		if (err != SN_OK)
			return (err);
	}
	return (err);
}

static enum sn_err check_format(struct carry *w)
{
	uint64_t format, reached;
	enum sn_err err;

	if ((err = db_meta(w->old, DB_META_FORMAT, &format)) != SN_OK ||
	    (err = db_meta(w->old, DB_META_LAST_SEQ, &reached)) != SN_OK)
		return (err);
	if (format != DB_FORMAT)
		return (sn_why(w->why, SN_ENEWER,
		    "it has format %llu, and this sicherd carries from %d",
		    N(format), DB_FORMAT));
	if (reached < w->c->ends)
		return (sn_why(w->why, SN_EINVAL,
		    "its log ends at %llu and the backup's at %llu: it is the "
		    "older one",
		    N(reached), N(w->c->ends)));
	return (SN_OK);
}

static enum sn_err check_lineage(struct carry *w)
{
	uint64_t accounts;
	enum sn_err err;

	err = sn_txn_count(w->into.txn, DB_ACCOUNTS, &accounts);
	if (err == SN_OK && accounts > 0 && w->same == 0)
		return (sn_why(
		    w->why, SN_EINVAL, "it has none of the backup's accounts"));
	return (err);
}

enum sn_err db_carry(struct sn_txn *old, struct sn_store *store, uint64_t now,
    struct db_carry *c, struct sn_why *why)
{
	struct carry w = { .old = old, .now = now, .c = c, .why = why };
	enum sn_err err;

	c->carried = c->unreadable = 0;
	if ((err = applier_begin(store, &w.into)) != SN_OK)
		return (err);
	if ((err = check_format(&w)) == SN_OK &&
	    (err = each(&w, DB_ACCOUNTS, account_row)) == SN_OK &&
	    (err = check_lineage(&w)) == SN_OK &&
	    (err = each(&w, DB_TOMBSTONES, tombstone_row)) == SN_OK &&
	    (err = each(&w, DB_DEVICES, device_row)) == SN_OK &&
	    (err = mappings(&w)) == SN_OK &&
	    (err = db_carry_rooms(&w)) == SN_OK)
		return (applier_commit(&w.into));
	applier_abort(&w.into);
	return (err);
}
