#ifndef SERVER_OPLOG_DB_CARRY_H
#define SERVER_OPLOG_DB_CARRY_H

#include "server/oplog/db.h"

/*
 * What a later database of the same server took away, taken away from an
 * earlier one as well: a backup that is put back must not bring back who was
 * deleted, disabled or unmapped since, nor a device that was revoked, a room
 * that was deleted, or a member who is none any more.  What
 * was added since is not carried, but that a fingerprint stays bound to its
 * account and a deleted subject's certificates stay void.
 */
struct db_carry {
	/* One sentence about what was carried, or could not be. */
	void (*tell)(void *arg, const char *text);
	void *arg;
	uint64_t ends; /* Where the earlier log ended, in places of its own. */
	/* The rest is filled in by db_carry. */
	uint64_t carried, unreadable;
};

/**
 * db_carry(old, store, now, c, why):
 * Read ${old}, the later one, and change ${store}, in one transaction and by
 * operations of the log where there are such; ${now} is their time in ms.  A record of ${old} that is
 * damaged is told and passed over; SN_EINVAL when ${old} is another
 * server's or ends before the earlier one, SN_ENEWER when it has another
 * format, SN_ECORRUPT when it cannot be walked.  ${store} is as it was then.
 */
enum sn_err db_carry(struct sn_txn *old, struct sn_store *store, uint64_t now,
    struct db_carry *c, struct sn_why *why) SN_MUST_USE;

#endif
