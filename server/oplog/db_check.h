#ifndef SERVER_OPLOG_DB_CHECK_H
#define SERVER_OPLOG_DB_CHECK_H

#include "server/oplog/db.h"

/*
 * A walk over everything that the database holds: each record's checksum,
 * each reference from one table to another, and the counts, by which a row
 * that is missing is noticed.  It only reads.
 */
struct db_check {
	/* One sentence about what is wrong. */
	void (*finding)(void *arg, const char *text);
	/* Told before each table: a fault in the map has its place then. */
	void (*at)(void *arg, const char *table);
	void *arg;
	/* The rest is filled in by db_check. */
	uint64_t findings, rows, messages;
};

/**
 * db_check(txn, check):
 * SN_OK when it came to the end, whatever it found.
 */
enum sn_err db_check(struct sn_txn *txn, struct db_check *check) SN_MUST_USE;

/** db_check_journal(txn, dir, check): what is durable and not in the tables
 * yet is counted with the messages, and looked at as they are. */
enum sn_err db_check_journal(
    struct sn_txn *txn, const char *dir, struct db_check *check) SN_MUST_USE;

/** For the parts of the check. */
void db_check_found(struct db_check *c, const char *format, ...)
    SN_PRINTF(2, 3);

/** db_check_each(txn, c, table, row, arg): ${row} for each row of a table;
 * an error of ${row}'s ends the walk. */
typedef enum sn_err db_check_row(struct sn_txn *txn, struct db_check *c,
    struct sn_bytes key, struct sn_bytes value, void *arg);
enum sn_err db_check_each(struct sn_txn *txn, struct db_check *c,
    enum db_table table, db_check_row *row, void *arg) SN_MUST_USE;

/** db_check_log: the log, its indexes and counts; db_check_people: accounts,
 * devices and rooms; db_check_rest: what refers to these, this node's own
 * rows, and the counters. */
enum sn_err db_check_log(struct sn_txn *txn, struct db_check *c) SN_MUST_USE;
enum sn_err db_check_people(struct sn_txn *txn, struct db_check *c) SN_MUST_USE;
enum sn_err db_check_rest(struct sn_txn *txn, struct db_check *c) SN_MUST_USE;

#endif
