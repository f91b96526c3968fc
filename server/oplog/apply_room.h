#ifndef SERVER_OPLOG_APPLY_ROOM_H
#define SERVER_OPLOG_APPLY_ROOM_H

#include "server/oplog/apply.h"

/** SN_EEXISTS, SN_ELIMIT.  The creator is its first owner. */
enum sn_err apply_room_create(struct sn_txn *txn, const struct op *op,
    uint64_t seq, struct applied *out) SN_MUST_USE;

/**
 * Join, leave, invite, remove.  SN_ENOTFOUND: no such room for the one who
 * asks, or no such member; SN_EDENIED, SN_EEXISTS, SN_ELIMIT.
 */
enum sn_err apply_room_member(struct sn_txn *txn, const struct op *op,
    uint64_t seq, struct applied *out) SN_MUST_USE;

/** SN_ENOTFOUND, SN_EDENIED when the one who asks is no owner. */
enum sn_err apply_room_topic(
    struct sn_txn *txn, const struct op *op) SN_MUST_USE;

#endif
