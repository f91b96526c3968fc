#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "server/gate/subject_key.h"
#include "server/keeper/keeper_account.h"
#include "server/oplog/applier.h"
#include "server/oplog/db.h"

/*
 * crowd DATA COUNT: let a stopped server have COUNT accounts.  They come
 * through the same apply that the server uses, and the keeper's rows through
 * its own writer; all have the password of account 1, because a million of
 * Argon2 would take half a day.
 */
#define ROWS_A_COMMIT 10000
#define NET_MAP (UINT64_C(1) << 36)
#define KEEPER_MAP (UINT64_C(1) << 32)

struct crowd {
	struct sn_store *net, *keeper;
	struct keeper_account like; /* What the keeper has of account 1. */
	uint64_t last, count;
};

static enum sn_err open_both(
    struct crowd *c, const char *data, struct sn_why *why)
{
	struct sn_txn *txn;
	char dir[4096];
	enum sn_err err;

	(void)snprintf(dir, sizeof(dir), "%s/net", data);
	if ((err = db_open(dir, NET_MAP, 8, NULL, &c->net, why)) != SN_OK)
		return (err);
	(void)snprintf(dir, sizeof(dir), "%s/keeper", data);
	err = keeper_db_open(dir, KEEPER_MAP, NULL, &c->keeper, why);
	if (err != SN_OK)
		return (err);
	if ((err = sn_txn_read(c->keeper, &txn)) == SN_OK) {
		err = keeper_account_get(txn, 1, &c->like);
		sn_txn_abort(txn);
	}
	if (err == SN_OK && (err = sn_txn_read(c->net, &txn)) == SN_OK) {
		err = db_meta(txn, DB_META_LAST_ACCOUNT, &c->last);
		sn_txn_abort(txn);
	}
	if (err != SN_OK)
		return (sn_why(why, err, "%s has no account 1: %s", data,
		    sn_err_text(err)));
	return (SN_OK);
}

static enum sn_err add(struct applier *a, uint64_t id)
{
	static uint8_t space[OP_OVERHEAD];
	struct op op = { .kind = OP_ACCOUNT_ADD, .time = sn_clock_wall_ms() };
	struct sn_wr w = sn_wr_over(space, sizeof(space));
	struct subject_key key;
	struct applied out;

	op.account.id = id;
	(void)snprintf(
	    op.account.name, sizeof(op.account.name), "crowd%08" PRIu64, id);
	subject_key_of_name(SN_SUBJECT_CN, sn_bytes_of(op.account.name), &key);
	memcpy(op.account.subject, key.bytes, key.len);
	op.account.subject_len = key.len;
	op_encode(&op, &w);
	return (applier_apply(
	    a, (struct sn_bytes){ space, w.n }, a->last + 1, &out));
}

/* The keeper's first, as the server does: a row of its without an account
 * goes at the next start, an account without one could not log in. */
static enum sn_err add_some(struct crowd *c, uint64_t to)
{
	struct sn_txn *txn;
	struct applier a;
	enum sn_err err;

	if ((err = sn_txn_write(c->keeper, &txn)) != SN_OK)
		return (err);
	for (uint64_t id = c->last + 1; id <= to; id++) {
		c->like.id = id;
		if ((err = keeper_account_put(txn, &c->like)) != SN_OK) {
			sn_txn_abort(txn);
			return (err);
		}
	}
	if ((err = sn_txn_commit(txn)) != SN_OK ||
	    (err = applier_begin(c->net, &a)) != SN_OK)
		return (err);
	for (uint64_t id = c->last + 1; id <= to; id++) {
		if ((err = add(&a, id)) != SN_OK) {
			applier_abort(&a);
			return (err);
		}
	}
	if ((err = applier_commit(&a)) == SN_OK)
		c->last = to;
	return (err);
}

int main(int argc, char **argv)
{
	struct crowd c = { .last = 0 };
	struct sn_why why = { "" };
	enum sn_err err;

	if (argc != 3 || (c.count = strtoull(argv[2], NULL, 10)) == 0) {
		(void)fprintf(stderr, "usage: crowd DATA COUNT\n");
		return (64);
	}
	err = open_both(&c, argv[1], &why);
	while (err == SN_OK && c.last < c.count) {
		uint64_t left = c.count - c.last;

		err = add_some(
		    &c, c.last + (left < ROWS_A_COMMIT ? left : ROWS_A_COMMIT));
		if (err != SN_OK)
			(void)sn_why(&why, err, "%" PRIu64 " accounts, then %s",
			    c.last, sn_err_text(err));
	}
	if (err != SN_OK)
		(void)fprintf(stderr, "crowd: %s\n", why.text);
	sn_store_close(c.net);
	sn_store_close(c.keeper);
	return (err == SN_OK ? 0 : 1);
}
