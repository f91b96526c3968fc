#ifndef SERVER_OPLOG_DB_WALK_H
#define SERVER_OPLOG_DB_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "server/oplog/db.h"

/*
 * The rows of a table whose key is two numbers and begins with a certain one:
 * the members of a room, the rooms of an account.  In order of the second.
 *
 *	db_walk_open(&w, txn, DB_MEMBERS, room, 0);
 *	while (db_walk_next(&w, &account))
 *		...
 *	err = db_walk_close(&w, SN_OK);
 */
struct db_walk {
	struct sn_cursor *cursor;
	uint64_t first, from;
	bool begun;
	enum sn_err err;
};

/** db_walk_open(w, txn, table, first, after): those whose second number is
 * above ${after}; 0: all.  What fails is told by db_walk_close. */
void db_walk_open(struct db_walk *w, struct sn_txn *txn, enum db_table table,
    uint64_t first, uint64_t after);

/** db_walk_next(w, second): false when there is no other. */
bool db_walk_next(struct db_walk *w, uint64_t *second);

/** db_walk_close(w, err): returns ${err}, or else what went wrong in it. */
enum sn_err db_walk_close(struct db_walk *w, enum sn_err err) SN_MUST_USE;

#endif
