#ifndef SERVER_OPLOG_APPLY_MAPPING_H
#define SERVER_OPLOG_APPLY_MAPPING_H

#include "server/oplog/apply.h"

/* Subjects mapped to accounts by hand; called by apply alone. */

/** SN_ENOTFOUND without the account, SN_EEXISTS when the subject leads to
 * an account already, SN_EINVAL for a key that is none. */
enum sn_err apply_subject_map(
    struct sn_txn *txn, const struct op *op) SN_MUST_USE;

/** SN_ENOTFOUND when it is not mapped to that account by hand. */
enum sn_err apply_subject_unmap(
    struct sn_txn *txn, const struct op *op) SN_MUST_USE;

#endif
