#ifndef SERVER_OPLOG_RETENTION_H
#define SERVER_OPLOG_RETENTION_H

#include "lib/store.h"
#include "server/oplog/op.h"

/*
 * What may go.  These functions only read, a bounded number of rows a call,
 * and name messages; removing them is an operation of the log (OP_FORGET),
 * so that every copy of the log's tables removes the same.
 */
struct retention {
	uint64_t age;        /* ms; 0: messages do not grow too old. */
	uint64_t bytes;      /* Of all messages; 0: no such limit. */
	uint64_t room_bytes; /* Of each room without a limit of its own. */
	uint64_t dedupe;     /* ms for which ids are remembered. */
};

/* Messages to forget, for one OP_FORGET. */
struct retention_pick {
	unsigned count;
	uint8_t seqs[OP_FORGET_MAX * 8];
	/* What retention_rooms passed over, being damaged: how much, and the
	 * last of it; place 0: the room itself. */
	unsigned damaged;
	uint64_t damaged_room, damaged_seq;
};

/** retention_expired(txn, now, pick): those whose ttl is over, but
 * for damaged ones. */
enum sn_err retention_expired(
    struct sn_txn *txn, uint64_t now, struct retention_pick *pick) SN_MUST_USE;

/**
 * retention_oldest(txn, policy, now, at, pick):
 * Those of the log's oldest that are past the policy's age, or above its
 * bytes.  *${at} is where the walk goes on; 0 to begin with, and again
 * after a pick was not forgotten.
 */
enum sn_err retention_oldest(struct sn_txn *txn, const struct retention *policy,
    uint64_t now, uint64_t *at, struct retention_pick *pick) SN_MUST_USE;

/**
 * retention_rooms(txn, policy, now, room, pick):
 * Those that the rooms from *${room} on keep too long or too many of.
 * *${room} moves on, and is 0 when the last has been looked at.  Damage is
 * counted in ${pick} and keeps nothing else from going.
 */
enum sn_err retention_rooms(struct sn_txn *txn, const struct retention *policy,
    uint64_t now, uint64_t *room, struct retention_pick *pick) SN_MUST_USE;

/**
 * retention_horizon(txn, policy, now, to):
 * The sequence up to which ids may be forgotten; 0 when no more than
 * already are.
 */
enum sn_err retention_horizon(struct sn_txn *txn,
    const struct retention *policy, uint64_t now, uint64_t *to) SN_MUST_USE;

#endif
