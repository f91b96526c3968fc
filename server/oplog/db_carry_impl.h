#ifndef SERVER_OPLOG_DB_CARRY_IMPL_H
#define SERVER_OPLOG_DB_CARRY_IMPL_H

#include "server/oplog/applier.h"
#include "server/oplog/db_carry.h"

/* What the files of db_carry share. */

struct carry {
	struct sn_txn *old;
	struct applier into;
	uint64_t now;
	struct db_carry *c;
	struct sn_why *why;
	uint64_t same; /* Accounts that both have. */
};

/** db_carry_say(w, format, ...): a sentence about what was found. */
void db_carry_say(struct carry *w, const char *format, ...) SN_PRINTF(2, 3);

/** db_carry_carried(w, whose, what): something was taken away. */
void db_carry_carried(struct carry *w, const char *whose, const char *what);

/** db_carry_unreadable(w, table, key, err): a record's damage is told; SN_OK
 * when the walk can go on. */
enum sn_err db_carry_unreadable(struct carry *w, const char *table,
    struct sn_bytes key, enum sn_err err) SN_MUST_USE;

/** db_carry_apply(w, op): an operation of the log; what it needs was looked
 * at. */
enum sn_err db_carry_apply(struct carry *w, const struct op *op) SN_MUST_USE;

/** db_carry_rooms(w): what was taken away of rooms, and in them. */
enum sn_err db_carry_rooms(struct carry *w) SN_MUST_USE;

#endif
