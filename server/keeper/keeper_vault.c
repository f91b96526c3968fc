#include "server/keeper/keeper_vault.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/log.h"
#include "lib/secret.h"
#include "server/base/db_key.h"

#define STALE_MS (UINT64_C(30) * 24 * 60 * 60 * 1000)

static enum sn_err end(struct sn_txn *txn, enum sn_err err)
{
	if (err == SN_OK)
		return (sn_txn_commit(txn));
	sn_txn_abort(txn);
	return (err);
}

/* On a disk that failed those that are there go on, however old. */
static enum sn_err read_keys(struct keeper_vault *vault, uint64_t now)
{
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = sn_txn_read(vault->store, &txn)) != SN_OK)
		return (err);
	err = keeper_token_keys_read(txn, &vault->tokens);
	sn_txn_abort(txn);
	if (err == SN_OK && keeper_token_keys_due(&vault->tokens, now))
		sn_log(SN_ALARM, "keeper.token_key",
		    "what=\"the disk has failed: resume tokens are made with "
		    "an old key until the server is restarted\"");
	return (err);
}

static enum sn_err load_keys(struct keeper_vault *vault, uint64_t now)
{
	struct keeper_token_keys keys;
	struct sn_txn *txn;
	enum sn_err err;

	if (vault->reading_only)
		return (read_keys(vault, now));
	if ((err = sn_txn_write(vault->store, &txn)) != SN_OK)
		return (err);
	err = keeper_token_keys_load(txn, now, vault->token_life, &keys);
	/* A key whose row is not durable must not make tokens. */
	if ((err = end(txn, err)) == SN_OK)
		vault->tokens = keys;
	sn_secret_wipe(&keys, sizeof(keys));
	return (err);
}

static void prune(struct keeper_vault *vault, uint64_t now)
{
	struct sn_txn *txn;
	uint64_t removed = 0;
	enum sn_err err;

	if (vault->reading_only || now < STALE_MS ||
	    sn_txn_write(vault->store, &txn) != SN_OK)
		return;
	err = keeper_failure_prune(txn, now - STALE_MS, &removed);
	if (end(txn, err) == SN_OK && removed > 0)
		sn_log(SN_INFO, "keeper.pruned", "rows=%" PRIu64, removed);
}

enum sn_err keeper_vault_open(
    struct keeper_vault *vault, uint64_t now, struct sn_why *why)
{
	enum sn_err err;

	if ((err = load_keys(vault, now)) != SN_OK)
		return (sn_why(why, err,
		    "cannot ready the keys of resume tokens in the keeper's "
		    "database: %s",
		    sn_store_reason(vault->store)));
	prune(vault, now);
	return (SN_OK);
}

void keeper_vault_tend(struct keeper_vault *vault, uint64_t now)
{
	if (load_keys(vault, now) != SN_OK)
		sn_log(SN_ALARM, "keeper.store",
		    "what=token-keys reason=\"%s\"",
		    sn_store_reason(vault->store));
	prune(vault, now);
}

static enum sn_err note(struct keeper_vault *vault, uint64_t account,
    const uint8_t *fp, uint64_t now)
{
	struct sn_txn *txn;
	bool spent = false;
	enum sn_err err;

	if ((err = sn_txn_write(vault->store, &txn)) != SN_OK)
		return (err);
	err =
	    keeper_failure_note(txn, &vault->delays, account, fp, now, &spent);
	if ((err = end(txn, err)) == SN_OK && spent)
		sn_log(SN_ALARM, "keeper.guessing",
		    "account_id=%" PRIu64 " failures=%" PRIu64
		    " what=\"today's failures are spent: devices that never "
		    "logged in are slowed\"",
		    account, vault->delays.per_day);
	return (err);
}

void keeper_vault_fail(struct keeper_vault *vault, uint64_t account,
    const uint8_t *fp, uint64_t now)
{
	enum sn_err err = note(vault, account, fp, now);

	if (err == SN_OK)
		return;
	vault->unwritten = true;
	vault->unwritten_account = account;
	memcpy(vault->unwritten_fp, fp, sizeof(vault->unwritten_fp));
	sn_log(SN_ALARM, "keeper.store", "what=failure err=%s reason=\"%s\"",
	    sn_err_name(err), sn_store_reason(vault->store));
}

static enum sn_err write_late(struct keeper_vault *vault, uint64_t now)
{
	enum sn_err err;

	if (!vault->unwritten)
		return (SN_OK);
	err = note(vault, vault->unwritten_account, vault->unwritten_fp, now);
	vault->unwritten = err != SN_OK;
	return (err);
}

enum sn_err keeper_vault_look(struct keeper_vault *vault, uint64_t account,
    const uint8_t *fp, uint64_t now, struct keeper_account *out, uint64_t *wait)
{
	struct keeper_failure failure;
	struct keeper_budget budget;
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = write_late(vault, now)) != SN_OK ||
	    (err = sn_txn_read(vault->store, &txn)) != SN_OK)
		return (err);
	if ((err = keeper_account_get(txn, account, out)) == SN_OK &&
	    (err = keeper_failure_get(txn, account, fp, &failure)) == SN_OK &&
	    (err = keeper_failure_budget(txn, account, &budget)) == SN_OK)
		*wait =
		    keeper_failure_wait(&vault->delays, &failure, &budget, now);
	sn_txn_abort(txn);
	return (err);
}

static enum sn_err give_token(struct keeper_vault *vault,
    const struct keeper_account *account, const uint8_t *fp, uint64_t entered,
    struct keeper_answer *answer)
{
	const struct keeper_token token = {
		.account = account->id,
		.fp = fp,
		.epoch = account->epoch,
		.entered_ms = entered,
	};
	enum sn_err err;

	err = keeper_token_make(&vault->tokens, &token, answer->token);
	if (err != SN_OK)
		return (err);
	answer->token_len = KEEPER_TOKEN_BYTES;
	answer->token_until_ms = entered + vault->token_life;
	return (SN_OK);
}

/* As it is now, unless its password is no longer the one looked at. */
static enum sn_err same(struct sn_txn *txn, const struct keeper_account *looked,
    struct keeper_account *now)
{
	enum sn_err err = keeper_account_get(txn, looked->id, now);

	if (err == SN_ENOTFOUND)
		return (SN_EAUTH);
	if (err == SN_OK && now->generation != looked->generation)
		return (SN_EAUTH);
	return (err);
}

/* A login that changes nothing shall not wait for the disk. */
static bool nothing_new(struct keeper_vault *vault,
    const struct keeper_account *looked, const uint8_t *fp, enum sn_err *err)
{
	struct keeper_failure failure = { 0 };
	struct keeper_account now;
	struct sn_txn *txn;

	if ((*err = sn_txn_read(vault->store, &txn)) != SN_OK)
		return (true);
	if ((*err = same(txn, looked, &now)) == SN_OK)
		*err = keeper_failure_get(txn, looked->id, fp, &failure);
	sn_txn_abort(txn);
	return (*err != SN_OK || (failure.known && failure.count == 0));
}

enum sn_err keeper_vault_pass(struct keeper_vault *vault,
    const struct keeper_account *account, const uint8_t *fp, const char *made,
    uint64_t now, struct keeper_answer *answer)
{
	struct keeper_account row;
	struct sn_txn *txn;
	enum sn_err err;

	/* A stronger hash can wait for a disk. */
	if (vault->reading_only)
		made = "";
	if (made[0] == '\0' && nothing_new(vault, account, fp, &err)) {
		if (err != SN_OK)
			return (err);
		return (give_token(vault, account, fp, now, answer));
	}
	if ((err = sn_txn_write(vault->store, &txn)) != SN_OK)
		return (err);
	if ((err = same(txn, account, &row)) == SN_OK)
		err = keeper_failure_success(txn, account->id, fp);
	if (err == SN_OK && made[0] != '\0') {
		(void)snprintf(row.phc, sizeof(row.phc), "%s", made);
		err = keeper_account_put(txn, &row);
	}
	if ((err = end(txn, err)) != SN_OK)
		return (err);
	return (give_token(vault, &row, fp, now, answer));
}

enum sn_err keeper_vault_change(struct keeper_vault *vault,
    const struct keeper_account *account, const uint8_t *fp, const char *made,
    uint64_t now, struct keeper_answer *answer)
{
	struct keeper_account row;
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = sn_txn_write(vault->store, &txn)) != SN_OK)
		return (err);
	if ((err = same(txn, account, &row)) == SN_OK) {
		keeper_account_set_phc(&row, made);
		row.epoch++;
		if ((err = keeper_account_put(txn, &row)) == SN_OK)
			err = keeper_failure_success(txn, account->id, fp);
	}
	if ((err = end(txn, err)) != SN_OK)
		return (err);
	return (give_token(vault, &row, fp, now, answer));
}

enum sn_err keeper_vault_resume(struct keeper_vault *vault, uint64_t account,
    const uint8_t *fp, struct sn_bytes token, uint64_t now,
    struct keeper_answer *answer)
{
	struct keeper_token want = { .account = account, .fp = fp };
	struct keeper_account row;
	struct sn_txn *txn;
	uint64_t entered;
	enum sn_err err;

	if ((err = sn_txn_read(vault->store, &txn)) != SN_OK)
		return (err);
	err = keeper_account_get(txn, account, &row);
	sn_txn_abort(txn);
	if (err != SN_OK)
		return (err == SN_ENOTFOUND ? SN_EAUTH : err);
	if (row.phc[0] == '\0')
		return (SN_EAUTH);
	want.epoch = row.epoch;
	err = keeper_token_check(
	    &vault->tokens, token, &want, now, vault->token_life, &entered);
	return (
	    err != SN_OK ? err : give_token(vault, &row, fp, entered, answer));
}

/* A restored backup can lack it, and damage can have taken it: no password
 * and no token opens the account then. */
static bool has_none(enum sn_err err)
{
	return (err == SN_ENOTFOUND || err == SN_ECORRUPT);
}

enum sn_err keeper_vault_epoch(struct keeper_vault *vault, uint64_t account)
{
	struct keeper_account row;
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = sn_txn_write(vault->store, &txn)) != SN_OK)
		return (err);
	if ((err = keeper_account_get(txn, account, &row)) == SN_OK) {
		row.epoch++;
		err = keeper_account_put(txn, &row);
	}
	return (end(txn, has_none(err) ? SN_ENOTFOUND : err));
}

static void set(struct keeper_vault *vault, struct keeper_account *row,
    const char *phc, struct sn_bytes secret, uint64_t now)
{
	if (phc != NULL)
		keeper_account_set_phc(row, phc);
	else
		keeper_account_set_secret(
		    row, secret, now + vault->secret_life);
}

enum sn_err keeper_vault_create(struct keeper_vault *vault, uint64_t account,
    const char *phc, struct sn_bytes secret, uint64_t now)
{
	struct keeper_account row;
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = sn_txn_write(vault->store, &txn)) != SN_OK)
		return (err);
	err = keeper_account_get(txn, account, &row);
	if (err == SN_OK)
		return (end(txn, SN_EEXISTS));
	if (err == SN_ENOTFOUND) {
		row.id = account;
		set(vault, &row, phc, secret, now);
		err = keeper_account_put(txn, &row);
	}
	return (end(txn, err));
}

enum sn_err keeper_vault_reset(struct keeper_vault *vault, uint64_t account,
    const char *phc, struct sn_bytes secret, uint64_t now)
{
	struct keeper_account row;
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = sn_txn_write(vault->store, &txn)) != SN_OK)
		return (err);
	err = keeper_account_get(txn, account, &row);
	if (has_none(err)) {
		/* No token is of this epoch, and no backup's password is
		 * later than this one. */
		memset(&row, 0, sizeof(row));
		row.id = account;
		row.epoch = row.generation = now;
		err = SN_OK;
	}
	if (err == SN_OK) {
		row.epoch++;
		set(vault, &row, phc, secret, now);
		if ((err = keeper_account_put(txn, &row)) == SN_OK)
			err = keeper_failure_clear(txn, account);
	}
	return (end(txn, err));
}

enum sn_err keeper_vault_unlock(struct keeper_vault *vault, uint64_t account)
{
	struct keeper_account row;
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = sn_txn_write(vault->store, &txn)) != SN_OK)
		return (err);
	if ((err = keeper_account_get(txn, account, &row)) == SN_OK)
		err = keeper_failure_clear(txn, account);
	return (end(txn, err));
}

enum sn_err keeper_vault_remove(struct keeper_vault *vault, uint64_t account)
{
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = sn_txn_write(vault->store, &txn)) != SN_OK)
		return (err);
	if ((err = keeper_account_remove(txn, account)) == SN_OK)
		err = keeper_failure_remove(txn, account);
	return (end(txn, err));
}

struct keep {
	bool (*known)(void *arg, uint64_t account);
	void *arg;
};

/* Every one of these keys begins with an account's id. */
static bool orphan(void *arg, struct sn_bytes key, struct sn_bytes value)
{
	const struct keep *keep = arg;
	struct sn_rd r = sn_rd_over(key.p, key.n);
	uint64_t account = sn_rd_u64(&r);

	(void)value;
	return (!r.bad && !keep->known(keep->arg, account));
}

enum sn_err keeper_vault_keep(struct keeper_vault *vault,
    bool (*known)(void *arg, uint64_t account), void *arg, uint64_t *removed)
{
	struct keep keep = { known, arg };
	uint64_t rows = 0;
	struct sn_txn *txn;
	enum sn_err err;

	*removed = 0;
	if ((err = sn_txn_write(vault->store, &txn)) != SN_OK)
		return (err);
	err = keeper_db_sweep(txn, KEEPER_DB_ACCOUNTS, orphan, &keep, removed);
	if (err == SN_OK)
		err = keeper_db_sweep(
		    txn, KEEPER_DB_FAILURES, orphan, &keep, &rows);
	if (err == SN_OK)
		err = keeper_db_sweep(
		    txn, KEEPER_DB_BUDGETS, orphan, &keep, &rows);
	return (end(txn, err));
}
