#include "server/oplog/account.h"

#include <string.h>

#include "server/oplog/db.h"
#include "server/base/record.h"

#define VERSION 1

static enum sn_err parse(struct sn_bytes value, struct account *out)
{
	struct sn_bytes subject;
	struct sn_rd r;
	enum sn_err err;

	if ((err = record_open(value, VERSION, &r)) != SN_OK)
		return (err);
	out->state = sn_rd_u8(&r);
	out->role = sn_rd_u8(&r);
	out->created = sn_rd_u64(&r);
	sn_rd_text(&r, out->name, sizeof(out->name));
	sn_rd_text(&r, out->display, sizeof(out->display));
	subject = sn_rd_blob(&r);
	if (!sn_rd_end(&r) || subject.n > sizeof(out->subject) ||
	    out->state > ACCOUNT_DELETED || out->role > ACCOUNT_OPERATOR)
		return (SN_ECORRUPT);
	memcpy(out->subject, subject.p, subject.n);
	out->subject_len = subject.n;
	return (SN_OK);
}

enum sn_err account_get(struct sn_txn *txn, uint64_t id, struct account *out)
{
	struct db_key key = db_key1(id);
	struct sn_bytes value;
	enum sn_err err;

	err = sn_txn_get(txn, DB_ACCOUNTS, db_bytes(&key), &value);
	if (err != SN_OK)
		return (err);
	out->id = id;
	return (parse(value, out));
}

static enum sn_err by(struct sn_txn *txn, enum db_table table,
    struct sn_bytes key, struct account *out)
{
	enum sn_err err;
	uint64_t id;

	if ((err = db_get_u64(txn, table, key, &id)) != SN_OK)
		return (err);
	err = account_get(txn, id, out);
	/* The two tables change in one transaction. */
	return (err == SN_ENOTFOUND ? SN_ECORRUPT : err);
}

enum sn_err account_find(
    struct sn_txn *txn, struct sn_bytes name, struct account *out)
{
	return (by(txn, DB_ACCOUNT_NAMES, name, out));
}

enum sn_err account_of_subject(
    struct sn_txn *txn, struct sn_bytes key, struct account *out)
{
	return (by(txn, DB_SUBJECTS, key, out));
}

enum sn_err account_tombstone(
    struct sn_txn *txn, struct sn_bytes key, uint64_t *out)
{
	enum sn_err err = db_get_u64(txn, DB_TOMBSTONES, key, out);

	if (err != SN_ENOTFOUND)
		return (err);
	*out = 0;
	return (SN_OK);
}

enum sn_err account_put(struct sn_txn *txn, const struct account *a)
{
	uint8_t space[1024];
	struct sn_wr w = sn_wr_over(space, sizeof(space));
	struct db_key key = db_key1(a->id);

	record_begin(&w, VERSION);
	sn_wr_u8(&w, (uint8_t)a->state);
	sn_wr_u8(&w, (uint8_t)a->role);
	sn_wr_u64(&w, a->created);
	sn_wr_blob(&w, sn_bytes_of(a->name));
	sn_wr_blob(&w, sn_bytes_of(a->display));
	sn_wr_blob(&w, (struct sn_bytes){ a->subject, a->subject_len });
	record_finish(&w);
	if (w.bad)
		return (SN_EBUG);
	return (sn_txn_put(
	    txn, DB_ACCOUNTS, db_bytes(&key), (struct sn_bytes){ space, w.n }));
}

const char *account_state_word(enum account_state state)
{
	static const char *const words[] = { "active", "disabled", "deleted" };

	return (words[state]);
}

const char *account_role_word(enum account_role role)
{
	static const char *const words[] = { "user", "operator" };

	return (words[role]);
}
