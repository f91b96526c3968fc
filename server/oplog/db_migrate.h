#ifndef SERVER_OPLOG_DB_MIGRATE_H
#define SERVER_OPLOG_DB_MIGRATE_H

#include "lib/store.h"

/*
 * The formats of net's database:
 *
 *	1  without counts of what is used, and without expiry
 *	2  with USAGE, LIMITS, EXPIRES, and the log's rows and sum in META
 *	3  with a journal beside it, which older ones would not apply
 */
#define DB_FORMAT 3

/**
 * db_migrate(store, dir, from, why):
 * Bring a database of an older format to DB_FORMAT, a step for each format
 * between, in one transaction, after ${dir}/format-${from}.mdb (0600), a
 * copy, has appeared whole and is synced.  Killed anywhere it is as it was,
 * or migrated.  SN_ECORRUPT when no step leads from ${from}.
 */
enum sn_err db_migrate(struct sn_store *store, const char *dir, uint64_t from,
    struct sn_why *why) SN_MUST_USE;

#endif
