#include "server/keeper/keeper_carry.h"

#include "lib/secret.h"
#include "server/base/db_key.h"
#include "server/keeper/keeper_account.h"

static enum sn_err carry_one(struct sn_txn *old, struct sn_txn *txn,
    struct keeper_carry *c, struct sn_bytes key)
{
	struct keeper_account was, then = { .id = 0 };
	uint64_t id = 0;
	enum sn_err err;

	if ((err = db_u64(key, &id)) == SN_OK)
		err = keeper_account_get(old, id, &was);
	if ((err == SN_ECORRUPT || err == SN_ENEWER) &&
	    sn_txn_error(old) == SN_OK) {
		c->unreadable++;
		return (SN_OK);
	}
	if (err == SN_OK &&
	    (err = keeper_account_get(txn, id, &then)) == SN_OK &&
	    was.generation > then.generation) {
		err = keeper_account_put(txn, &was);
		c->carried++;
	}
	sn_secret_wipe(&was, sizeof(was));
	sn_secret_wipe(&then, sizeof(then));
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

static enum sn_err walk(
    struct sn_txn *old, struct sn_txn *txn, struct keeper_carry *c)
{
	struct sn_bytes key, value;
	struct sn_cursor *cursor;
	enum sn_err err;

	if ((err = sn_cursor_open(old, KEEPER_DB_ACCOUNTS, &cursor)) != SN_OK)
		return (err);
	err = sn_cursor_first(cursor, &key, &value);
	while (err == SN_OK) {
		if ((err = carry_one(old, txn, c, key)) != SN_OK)
			break;
		err = sn_cursor_next(cursor, &key, &value);
	}
	sn_cursor_close(cursor);
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

static enum sn_err carry(
    struct sn_store *from, struct sn_store *into, struct keeper_carry *c)
{
	struct sn_txn *old, *txn;
	enum sn_err err;

	if ((err = sn_txn_read(from, &old)) != SN_OK)
		return (err);
	if ((err = sn_txn_write(into, &txn)) == SN_OK) {
		if ((err = walk(old, txn, c)) == SN_OK)
			err = sn_txn_commit(txn);
		else
			sn_txn_abort(txn);
	}
	sn_txn_abort(old);
	return (err);
}

enum sn_err keeper_carry(const char *old, const char *dir,
    struct keeper_carry *c, struct sn_why *why)
{
	struct sn_store *from, *into;
	enum sn_err err;

	c->carried = c->unreadable = 0;
	if ((err = keeper_db_open_to_read(old, &from, why)) != SN_OK)
		return (err);
	if ((err = keeper_db_open(dir, 0, NULL, &into, why)) == SN_OK) {
		if ((err = carry(from, into, c)) != SN_OK)
			(void)sn_why(why, err, "%s could not be walked: %s",
			    old, sn_err_text(err));
		sn_store_close(into);
	}
	sn_store_close(from);
	return (err);
}
