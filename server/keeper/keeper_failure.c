#include "server/keeper/keeper_failure.h"

#include <string.h>

#include "server/base/db_key.h"
#include "server/base/record.h"

#define VERSION 1
#define DAY_MS (UINT64_C(24) * 60 * 60 * 1000)
#define KEY_BYTES (8 + 32)
#define ROW_MAX (4 + 8 + 1 + RECORD_OVERHEAD)
#define BUDGET_MAX (8 + 4 + 8 + RECORD_OVERHEAD)

static uint64_t delay_of(const struct keeper_delays *delays, uint32_t count)
{
	uint64_t delay = delays->first;

	if (count == 0)
		return (0);
	for (uint32_t i = 1; i < count && delay < delays->max; i++)
		delay *= 2;
	return (delay < delays->max ? delay : delays->max);
}

/* A clock that was set back must not lengthen a delay. */
static uint64_t left(uint64_t last, uint64_t delay, uint64_t now)
{
	if (last > now)
		return (delay);
	return (now - last >= delay ? 0 : delay - (now - last));
}

uint64_t keeper_failure_wait(const struct keeper_delays *delays,
    const struct keeper_failure *failure, const struct keeper_budget *budget,
    uint64_t now)
{
	uint64_t own, common = 0;

	own = left(failure->last_ms, delay_of(delays, failure->count), now);
	if (!failure->known && budget->day == now / DAY_MS &&
	    budget->count >= delays->per_day)
		common = left(budget->last_ms, delays->max, now);
	return (own > common ? own : common);
}

static struct sn_bytes row_key(
    uint8_t key[KEY_BYTES], uint64_t account, const uint8_t *fp)
{
	struct sn_wr w = sn_wr_over(key, KEY_BYTES);

	sn_wr_u64(&w, account);
	if (fp != NULL)
		sn_wr_put(&w, fp, 32);
	return ((struct sn_bytes){ key, w.n });
}

static enum sn_err parse(struct sn_bytes value, struct keeper_failure *out)
{
	struct sn_rd r;
	enum sn_err err;

	if ((err = record_open(value, VERSION, &r)) != SN_OK)
		return (err);
	out->count = sn_rd_u32(&r);
	out->last_ms = sn_rd_u64(&r);
	out->known = sn_rd_u8(&r) != 0;
	return (r.bad ? SN_ECORRUPT : SN_OK);
}

enum sn_err keeper_failure_get(struct sn_txn *txn, uint64_t account,
    const uint8_t fp[32], struct keeper_failure *out)
{
	uint8_t key[KEY_BYTES];
	struct sn_bytes value;
	enum sn_err err;

	memset(out, 0, sizeof(*out));
	err = sn_txn_get(
	    txn, KEEPER_DB_FAILURES, row_key(key, account, fp), &value);
	if (err != SN_OK)
		return (err == SN_ENOTFOUND ? SN_OK : err);
	return (parse(value, out));
}

static enum sn_err put(struct sn_txn *txn, struct sn_bytes key,
    const struct keeper_failure *failure)
{
	uint8_t row[ROW_MAX];
	struct sn_wr w = sn_wr_over(row, sizeof(row));

	record_begin(&w, VERSION);
	sn_wr_u32(&w, failure->count);
	sn_wr_u64(&w, failure->last_ms);
	sn_wr_u8(&w, failure->known ? 1 : 0);
	record_finish(&w);
	return (sn_txn_put(
	    txn, KEEPER_DB_FAILURES, key, (struct sn_bytes){ row, w.n }));
}

enum sn_err keeper_failure_budget(
    struct sn_txn *txn, uint64_t account, struct keeper_budget *out)
{
	struct db_key key = db_key1(account);
	struct sn_bytes value;
	struct sn_rd r;
	enum sn_err err;

	memset(out, 0, sizeof(*out));
	err = sn_txn_get(txn, KEEPER_DB_BUDGETS, db_bytes(&key), &value);
	if (err != SN_OK)
		return (err == SN_ENOTFOUND ? SN_OK : err);
	if ((err = record_open(value, VERSION, &r)) != SN_OK)
		return (err);
	out->day = sn_rd_u64(&r);
	out->count = sn_rd_u32(&r);
	out->last_ms = sn_rd_u64(&r);
	return (r.bad ? SN_ECORRUPT : SN_OK);
}

static enum sn_err put_budget(
    struct sn_txn *txn, uint64_t account, const struct keeper_budget *budget)
{
	struct db_key key = db_key1(account);
	uint8_t row[BUDGET_MAX];
	struct sn_wr w = sn_wr_over(row, sizeof(row));

	record_begin(&w, VERSION);
	sn_wr_u64(&w, budget->day);
	sn_wr_u32(&w, budget->count);
	sn_wr_u64(&w, budget->last_ms);
	record_finish(&w);
	return (sn_txn_put(txn, KEEPER_DB_BUDGETS, db_bytes(&key),
	    (struct sn_bytes){ row, w.n }));
}

static enum sn_err spend(struct sn_txn *txn, const struct keeper_delays *delays,
    uint64_t account, uint64_t now, bool *spent)
{
	struct keeper_budget budget;
	enum sn_err err;

	if ((err = keeper_failure_budget(txn, account, &budget)) != SN_OK)
		return (err);
	if (budget.day != now / DAY_MS) {
		budget.day = now / DAY_MS;
		budget.count = 0;
	}
	if (budget.count < UINT32_MAX)
		budget.count++;
	budget.last_ms = now;
	*spent = budget.count == delays->per_day;
	return (put_budget(txn, account, &budget));
}

enum sn_err keeper_failure_note(struct sn_txn *txn,
    const struct keeper_delays *delays, uint64_t account, const uint8_t fp[32],
    uint64_t now, bool *spent)
{
	struct keeper_failure failure;
	uint8_t key[KEY_BYTES];
	enum sn_err err;

	*spent = false;
	if ((err = keeper_failure_get(txn, account, fp, &failure)) != SN_OK)
		return (err);
	if (failure.count < UINT32_MAX)
		failure.count++;
	failure.last_ms = now;
	if ((err = put(txn, row_key(key, account, fp), &failure)) != SN_OK)
		return (err);
	return (spend(txn, delays, account, now, spent));
}

enum sn_err keeper_failure_success(
    struct sn_txn *txn, uint64_t account, const uint8_t fp[32])
{
	const struct keeper_failure clean = { .known = true };
	uint8_t key[KEY_BYTES];

	return (put(txn, row_key(key, account, fp), &clean));
}

/* Walks the rows of one account; those with nothing to keep are deleted. */
static enum sn_err each(struct sn_txn *txn, uint64_t account, bool keep_known)
{
	uint8_t from[KEY_BYTES], next[KEY_BYTES];
	struct sn_bytes key, value, seek = row_key(from, account, NULL);
	struct keeper_failure row;
	struct sn_cursor *c;
	enum sn_err err;

	if ((err = sn_cursor_open(txn, KEEPER_DB_FAILURES, &c)) != SN_OK)
		return (err);
	while ((err = sn_cursor_seek(c, seek, &key, &value)) == SN_OK &&
	       key.n == KEY_BYTES && memcmp(key.p, from, 8) == 0) {
		memcpy(next, key.p, KEY_BYTES);
		if (!keep_known || parse(value, &row) != SN_OK || !row.known)
			err = sn_cursor_delete(c);
		else
			err = keeper_failure_success(txn, account, next + 8);
		if (err != SN_OK)
			break;
		seek = (struct sn_bytes){ next, KEY_BYTES };
		/* The least key behind it; a carry out of the end is done. */
		for (int i = KEY_BYTES - 1; i >= 8 && ++next[i] == 0; i--)
			;
		if (memcmp(next + 8, (const uint8_t[32]){ 0 }, 32) == 0)
			break;
	}
	sn_cursor_close(c);
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

static enum sn_err drop_budget(struct sn_txn *txn, uint64_t account)
{
	struct db_key key = db_key1(account);
	enum sn_err err;

	err = sn_txn_delete(txn, KEEPER_DB_BUDGETS, db_bytes(&key));
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

enum sn_err keeper_failure_clear(struct sn_txn *txn, uint64_t account)
{
	enum sn_err err = each(txn, account, true);

	return (err != SN_OK ? err : drop_budget(txn, account));
}

enum sn_err keeper_failure_remove(struct sn_txn *txn, uint64_t account)
{
	enum sn_err err = each(txn, account, false);

	return (err != SN_OK ? err : drop_budget(txn, account));
}

static bool stale(void *arg, struct sn_bytes key, struct sn_bytes value)
{
	const uint64_t *before = arg;
	struct keeper_failure row;

	(void)key;
	return (
	    parse(value, &row) == SN_OK && !row.known && row.last_ms < *before);
}

enum sn_err keeper_failure_prune(
    struct sn_txn *txn, uint64_t before, uint64_t *removed)
{
	return (
	    keeper_db_sweep(txn, KEEPER_DB_FAILURES, stale, &before, removed));
}
