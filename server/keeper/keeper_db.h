#ifndef SERVER_KEEPER_KEEPER_DB_H
#define SERVER_KEEPER_KEEPER_DB_H

#include "lib/store.h"

/*
 * The tables of the keeper's database; numbers are big-endian.
 *
 *	META      name -> u64
 *	ACCOUNTS  account id -> password, epoch      (keeper_account.h)
 *	FAILURES  account id, fingerprint -> count   (keeper_failure.h)
 *	BUDGETS   account id -> count of the day     (keeper_failure.h)
 *	KEYS      key id -> key of tokens            (keeper_token.h)
 */
enum keeper_db_table {
	KEEPER_DB_META,
	KEEPER_DB_ACCOUNTS,
	KEEPER_DB_FAILURES,
	KEEPER_DB_BUDGETS,
	KEEPER_DB_KEYS,
	KEEPER_DB_COUNT,
};

/** keeper_db_open(dir, map_size, latch, out, why): SN_ENEWER when a newer
 * sicherd wrote it.  ${latch} as in lib/store.h. */
enum sn_err keeper_db_open(const char *dir, uint64_t map_size,
    atomic_int *latch, struct sn_store **out, struct sn_why *why) SN_MUST_USE;

/** keeper_db_open_to_read(dir, out, why): for a check beside the keeper. */
enum sn_err keeper_db_open_to_read(
    const char *dir, struct sn_store **out, struct sn_why *why) SN_MUST_USE;

/** keeper_db_table_name(table): "accounts"; static storage. */
const char *keeper_db_table_name(enum keeper_db_table table);

/**
 * keeper_db_sweep(txn, table, gone, arg, removed):
 * Delete the rows for which ${gone} says so; adds them to *${removed}.
 */
enum sn_err keeper_db_sweep(struct sn_txn *txn, enum keeper_db_table table,
    bool (*gone)(void *arg, struct sn_bytes key, struct sn_bytes value),
    void *arg, uint64_t *removed) SN_MUST_USE;

#endif
