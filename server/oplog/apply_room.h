#ifndef SERVER_OPLOG_APPLY_ROOM_H
#define SERVER_OPLOG_APPLY_ROOM_H

#include "server/oplog/apply.h"

/** SN_EEXISTS, SN_ELIMIT.  The creator is its first owner. */
enum sn_err apply_room_create(struct sn_txn *txn, const struct op *op,
    uint64_t seq, struct applied *out) SN_MUST_USE;

/**
 * Join, leave, invite, remove, appoint, dismiss.  SN_ENOTFOUND: no such room
 * for the one who asks, or no such member; SN_EDENIED, SN_EEXISTS, SN_ELIMIT.
 * When the last owner goes, the member of longest standing becomes one; when
 * the last member goes, the room is deleted.
 */
enum sn_err apply_room_member(struct sn_txn *txn, const struct op *op,
    uint64_t seq, struct applied *out) SN_MUST_USE;

/** SN_ENOTFOUND, SN_EDENIED when the one who asks is no owner. */
enum sn_err apply_room_topic(
    struct sn_txn *txn, const struct op *op, struct applied *out) SN_MUST_USE;
enum sn_err apply_room_history(
    struct sn_txn *txn, const struct op *op, struct applied *out) SN_MUST_USE;

/** The same; its name is free again, its id is not. */
enum sn_err apply_room_delete(
    struct sn_txn *txn, const struct op *op, struct applied *out) SN_MUST_USE;

/**
 * apply_room_bury(txn, account):
 * ${account} is being deleted: take it out of every named room; those it has
 * spoken with find their conversation under its name.
 */
enum sn_err apply_room_bury(
    struct sn_txn *txn, const struct account *account) SN_MUST_USE;

#endif
