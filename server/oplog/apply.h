#ifndef SERVER_OPLOG_APPLY_H
#define SERVER_OPLOG_APPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/store.h"
#include "server/oplog/op.h"
#include "server/oplog/tally.h"

/* What an operation did, for those who must hear of it. */
enum applied_what {
	APPLIED_OTHER,   /* Nothing a session follows. */
	APPLIED_MESSAGE, /* A message in ${room}. */
	APPLIED_JOINED,  /* ${account} is a member of ${room} now. */
	APPLIED_LEFT,    /* ${account} is no member of ${room} any more. */
	APPLIED_ROOM,    /* ${room} has another topic, setting or owner. */
	APPLIED_DELETED, /* ${room} and its memberships are gone. */
};

/* Which limit an operation met that is refused with SN_ELIMIT. */
enum applied_full {
	APPLIED_FULL_BYTES, /* Of the sender. */
	APPLIED_FULL_DEVICES,
	APPLIED_FULL_ROOMS,
	APPLIED_FULL_MEMBERS,
	APPLIED_FULL_ACCOUNT_ROOMS,
};

struct applied {
	uint64_t seq;   /* Its place; the first one's for a duplicate. */
	uint64_t time;  /* The operation's, or the first one's. */
	bool duplicate; /* A message sent before: nothing was written. */
	enum applied_what what;
	uint64_t room;
	bool direct; /* ${room} is the conversation of the next two. */
	bool began;  /* The conversation, by this message. */
	uint64_t account;
	uint64_t other; /* Who became its owner, as the last one went; or 0. */
	enum applied_full full; /* Of SN_ELIMIT alone. */
};

/**
 * apply(txn, tally, value, seq, out):
 * Apply the encoded operation ${value} at place ${seq}: the log's row and
 * all that follows from it, but for the counts, which are gathered in
 * ${tally} and are the caller's to store in the same transaction.  A function of the operation and the database
 * alone: no clock, no random numbers, no settings.  It checks everything
 * before its first write.
 *
 * SN_C_REQUEST errors mean that nothing was written and the transaction
 * goes on: SN_ENOTFOUND (no such account, room or membership; also a
 * recipient who may not be told apart from one), SN_EEXISTS, SN_EDENIED,
 * SN_ELIMIT (${out->full} says which), SN_EINVAL.  Any other error is the
 * transaction's end.
 */
enum sn_err apply(struct sn_txn *txn, struct tally *tally,
    struct sn_bytes value, uint64_t seq, struct applied *out) SN_MUST_USE;

/**
 * apply_must(err):
 * ${err}, of a write behind the first one.  Rows change together, so a row
 * that should be there and is not is damage, not an answer.
 */
enum sn_err apply_must(enum sn_err err) SN_MUST_USE;

#endif
