#ifndef SERVER_KEEPER_KEEPER_FAILURE_H
#define SERVER_KEEPER_KEEPER_FAILURE_H

#include "server/keeper/keeper_db.h"

/*
 * Who may not try a password yet.  A failure delays the certificate that
 * made it, doubling; only an account's budget of failures a day, once
 * spent, delays other certificates, and of these only such as never logged
 * in.  Times are wall clock, in ms: they are kept over restarts.
 */
struct keeper_delays {
	uint64_t first;
	uint64_t max;
	uint64_t per_day; /* Failures of an account. */
};

struct keeper_failure {
	uint32_t count;   /* Since the last success. */
	uint64_t last_ms; /* The latest one. */
	bool known;       /* This certificate has logged in before. */
};

struct keeper_budget {
	uint64_t day; /* Since 1970. */
	uint32_t count;
	uint64_t last_ms;
};

/** keeper_failure_wait(delays, failure, budget, now): ms until it may try. */
uint64_t keeper_failure_wait(const struct keeper_delays *delays,
    const struct keeper_failure *failure, const struct keeper_budget *budget,
    uint64_t now);

/** keeper_failure_get, keeper_failure_budget: zeros when there is no row. */
enum sn_err keeper_failure_get(struct sn_txn *txn, uint64_t account,
    const uint8_t fp[32], struct keeper_failure *out) SN_MUST_USE;
enum sn_err keeper_failure_budget(struct sn_txn *txn, uint64_t account,
    struct keeper_budget *out) SN_MUST_USE;

/**
 * keeper_failure_note(txn, delays, account, fp, now, spent):
 * Count one.  *${spent} when it is the one that spends the day's budget.
 */
enum sn_err keeper_failure_note(struct sn_txn *txn,
    const struct keeper_delays *delays, uint64_t account, const uint8_t fp[32],
    uint64_t now, bool *spent) SN_MUST_USE;

/** keeper_failure_success(txn, account, fp): none, and known from now on. */
enum sn_err keeper_failure_success(
    struct sn_txn *txn, uint64_t account, const uint8_t fp[32]) SN_MUST_USE;

/** keeper_failure_clear(txn, account): no failure, and what is known stays. */
enum sn_err keeper_failure_clear(
    struct sn_txn *txn, uint64_t account) SN_MUST_USE;

/** keeper_failure_remove(txn, account): every row of the account. */
enum sn_err keeper_failure_remove(
    struct sn_txn *txn, uint64_t account) SN_MUST_USE;

/** keeper_failure_prune(txn, before, removed): rows of certificates that
 * never logged in and last tried before that time. */
enum sn_err keeper_failure_prune(
    struct sn_txn *txn, uint64_t before, uint64_t *removed) SN_MUST_USE;

#endif
