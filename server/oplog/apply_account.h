#ifndef SERVER_OPLOG_APPLY_ACCOUNT_H
#define SERVER_OPLOG_APPLY_ACCOUNT_H

#include "server/oplog/apply.h"

/** SN_EEXISTS: the name or subject is taken; SN_EINVAL: the id was used. */
enum sn_err apply_account_add(
    struct sn_txn *txn, const struct op *op) SN_MUST_USE;

/** Active, disabled, deleted; from deleted there is no way back. */
enum sn_err apply_account_state(
    struct sn_txn *txn, const struct op *op) SN_MUST_USE;

/** SN_EEXISTS when it is another account's for ever, SN_ELIMIT. */
enum sn_err apply_device_bind(
    struct sn_txn *txn, const struct op *op, struct applied *out) SN_MUST_USE;
enum sn_err apply_device_revoke(
    struct sn_txn *txn, const struct op *op) SN_MUST_USE;

#endif
