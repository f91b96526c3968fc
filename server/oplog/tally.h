#ifndef SERVER_OPLOG_TALLY_H
#define SERVER_OPLOG_TALLY_H

#include <stdbool.h>

#include "server/base/map.h"
#include "server/oplog/usage.h"

/*
 * What the operations of one transaction add to the counts: what accounts
 * and rooms use, how many rows the log has, and the sum of their checksums,
 * by which a missing row is noticed.  Gathered here and written once, so
 * that a message costs the database no row more.  And what its many messages
 * ask of the database again and again.
 */
struct tally_entry {
	struct tally_entry *next;
	enum usage_of of;
	uint64_t id;
	struct usage usage;
	uint64_t quota; /* Of an account; 0: none. */
	bool quota_known;
};

#define TALLY_ACTIVE 64
#define TALLY_DIRECTS 64

/* A conversation's room; ${room} 0: none. */
struct tally_direct {
	uint64_t lower, higher, room;
};

struct tally {
	struct tally_entry *first;
	struct map accounts, rooms;
	uint64_t rows, sum; /* Differences, modulo 2^64. */
	/* Accounts that were found active, each at its id's remainder. */
	uint64_t active[TALLY_ACTIVE];
	/* Conversations, each at a remainder of its two accounts. */
	struct tally_direct directs[TALLY_DIRECTS];
};

/**
 * tally_active(tally, txn, account):
 * SN_OK when the account is active; its record is read once a transaction.
 * SN_ENOTFOUND, SN_EDENIED (disabled or deleted), SN_ECORRUPT.
 */
enum sn_err tally_active(
    struct tally *tally, struct sn_txn *txn, uint64_t account) SN_MUST_USE;

/**
 * tally_direct(tally, txn, lower, higher, room):
 * The room of the two accounts' conversation; it is never another one, and
 * is read once a transaction.  SN_ENOTFOUND when they have none yet.
 */
enum sn_err tally_direct(struct tally *tally, struct sn_txn *txn,
    uint64_t lower, uint64_t higher, uint64_t *room) SN_MUST_USE;

/** tally_accounts_changed(tally): they are to be read again. */
void tally_accounts_changed(struct tally *tally);

/** tally_entry(tally, txn, of, id, out): what it uses as of now; loaded
 * once.  ${quota} is set for accounts.  SN_ENOMEM, SN_ECORRUPT. */
enum sn_err tally_entry(struct tally *tally, struct sn_txn *txn,
    enum usage_of of, uint64_t id, struct tally_entry **out) SN_MUST_USE;

/** tally_limits_changed(tally): quotas are to be read again. */
void tally_limits_changed(struct tally *tally);

/**
 * tally_row(tally, seq, record, sign):
 * A row of the log came (1) or went (-1).  The sum does not depend on the
 * order, so that rows can go from the middle.
 */
void tally_row(
    struct tally *tally, uint64_t seq, struct sn_bytes record, int sign);

/** tally_mark(seq, record): the row's share in the sum. */
uint64_t tally_mark(uint64_t seq, struct sn_bytes record);

/** tally_store(tally, txn): write what changed. */
enum sn_err tally_store(struct tally *tally, struct sn_txn *txn) SN_MUST_USE;

/** tally_free(tally): forget it all. */
void tally_free(struct tally *tally);

#endif
