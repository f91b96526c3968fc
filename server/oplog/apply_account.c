#include "server/oplog/apply_account.h"

#include <string.h>

#include "lib/clock.h"
#include "server/oplog/apply_room.h"
#include "server/oplog/db.h"

/* SN_OK when ${table} has no such key, SN_EEXISTS when it has. */
static enum sn_err check_free(
    struct sn_txn *txn, enum db_table table, struct sn_bytes key)
{
	uint64_t id;
	enum sn_err err = db_get_u64(txn, table, key, &id);

	if (err == SN_OK)
		return (SN_EEXISTS);
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

enum sn_err apply_account_add(struct sn_txn *txn, const struct op *op)
{
	struct account a = op->account;
	struct sn_bytes name = sn_bytes_of(a.name);
	struct sn_bytes subject = { a.subject, a.subject_len };
	uint64_t last;
	enum sn_err err;

	if ((err = db_meta(txn, DB_META_LAST_ACCOUNT, &last)) != SN_OK)
		return (err);
	if (a.id <= last || !sn_name_account(name))
		return (SN_EINVAL);
	if ((err = check_free(txn, DB_ACCOUNT_NAMES, name)) != SN_OK ||
	    (subject.n > 0 &&
		(err = check_free(txn, DB_SUBJECTS, subject)) != SN_OK))
		return (err);

	a.state = ACCOUNT_ACTIVE;
	a.created = op->time;
	if ((err = account_put(txn, &a)) != SN_OK ||
	    (err = db_put_u64(txn, DB_ACCOUNT_NAMES, name, a.id)) != SN_OK)
		return (err);
	/* Under rule dn none opens it but a mapping. */
	if (subject.n > 0 &&
	    (err = db_put_u64(txn, DB_SUBJECTS, subject, a.id)) != SN_OK)
		return (err);
	return (db_meta_set(txn, DB_META_LAST_ACCOUNT, a.id));
}

/* The subject is free again; its older certificates are not. */
static enum sn_err bury_subject(
    struct sn_txn *txn, struct sn_bytes subject, uint64_t time)
{
	uint64_t seconds = time / SN_MS_PER_S, before;
	enum sn_err err;

	if ((err = account_tombstone(txn, subject, &before)) != SN_OK)
		return (err);
	/* A clock set back must not open the door a little again. */
	if (before > seconds)
		seconds = before;
	if ((err = sn_txn_delete(txn, DB_SUBJECTS, subject)) != SN_OK)
		return (apply_must(err));
	return (db_put_u64(txn, DB_TOMBSTONES, subject, seconds));
}

static enum sn_err bury_mappings(
    struct sn_txn *txn, uint64_t account, uint64_t time)
{
	struct mapping m = { .account = account };
	bool found;
	enum sn_err err;

	for (;;) {
		err = mapping_next(txn, &m, &found);
		if (err != SN_OK || !found || m.account != account)
			return (err);
		err = bury_subject(txn, mapping_key(&m), time);
		if (err != SN_OK || (err = mapping_delete(txn, &m)) != SN_OK)
			return (apply_must(err));
	}
}

static enum sn_err bury(
    struct sn_txn *txn, const struct account *a, uint64_t time)
{
	struct sn_bytes subject = { a->subject, a->subject_len };
	enum sn_err err;

	err = sn_txn_delete(txn, DB_ACCOUNT_NAMES, sn_bytes_of(a->name));
	if (err != SN_OK)
		return (apply_must(err));
	if (subject.n > 0 && (err = bury_subject(txn, subject, time)) != SN_OK)
		return (err);
	if ((err = bury_mappings(txn, a->id, time)) != SN_OK)
		return (err);
	return (apply_must(apply_room_bury(txn, a)));
}

enum sn_err apply_account_state(struct sn_txn *txn, const struct op *op)
{
	struct account a;
	enum sn_err err;

	if ((err = account_get(txn, op->account_state.account, &a)) != SN_OK)
		return (err);
	if (a.state == ACCOUNT_DELETED ||
	    op->account_state.state > ACCOUNT_DELETED)
		return (SN_ENOTFOUND);
	a.state = op->account_state.state;
	if ((err = account_put(txn, &a)) != SN_OK)
		return (err);
	if (a.state != ACCOUNT_DELETED)
		return (SN_OK);
	return (bury(txn, &a, op->time));
}

static enum sn_err count_devices(
    struct sn_txn *txn, uint64_t account, uint64_t *out)
{
	struct device d = { .account = account };
	bool found;
	enum sn_err err;

	for (*out = 0;;) {
		err = device_next(txn, account, &d, &found);
		if (err != SN_OK || !found)
			return (err);
		if (!d.revoked)
			++*out;
	}
}

enum sn_err apply_device_bind(
    struct sn_txn *txn, const struct op *op, struct applied *out)
{
	struct device d = op->device_bind.device, known;
	uint8_t key[8 + DEVICE_FINGERPRINT];
	struct sn_wr w = sn_wr_over(key, sizeof(key));
	struct account a;
	uint64_t have;
	enum sn_err err;

	err = device_get(txn, d.fingerprint, &known);
	if (err == SN_OK)
		return (known.account == d.account ? SN_OK : SN_EEXISTS);
	if (err != SN_ENOTFOUND)
		return (err);
	if ((err = account_get(txn, d.account, &a)) != SN_OK ||
	    (err = count_devices(txn, d.account, &have)) != SN_OK)
		return (err);
	if (have >= op->device_bind.limit) {
		out->full = APPLIED_FULL_DEVICES;
		return (SN_ELIMIT);
	}
	if (a.state != ACCOUNT_ACTIVE)
		return (SN_EDENIED);

	d.revoked = false;
	d.first = op->time;
	if ((err = device_put(txn, &d)) != SN_OK)
		return (err);
	sn_wr_u64(&w, d.account);
	sn_wr_put(&w, d.fingerprint, DEVICE_FINGERPRINT);
	return (sn_txn_put(txn, DB_ACCOUNT_DEVICES,
	    (struct sn_bytes){ key, w.n }, (struct sn_bytes){ NULL, 0 }));
}

enum sn_err apply_device_revoke(struct sn_txn *txn, const struct op *op)
{
	struct device d;
	enum sn_err err;

	err = device_get(txn, op->device_revoke.fingerprint, &d);
	if (err != SN_OK)
		return (err);
	if (d.account != op->device_revoke.account)
		return (SN_ENOTFOUND);
	d.revoked = true;
	return (device_put(txn, &d));
}
