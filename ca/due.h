#ifndef CA_DUE_H
#define CA_DUE_H

#include "ca/record.h"
#include "lib/store.h"

/*
 * Certificates that were renewed stay valid for a while, and are then due
 * for revocation: TABLE_DUE has them in the order of that moment.
 */

/** due_mark(txn, rec, at): every other valid certificate of ${rec}'s device
 * is due at ${at}, or at its end where that is sooner; one that was due
 * before stays so. */
enum sn_err due_mark(
    struct sn_txn *txn, const struct record *rec, int64_t at) SN_MUST_USE;

/** due_put(txn, rec): ${rec}->due has been set. */
enum sn_err due_put(struct sn_txn *txn, const struct record *rec) SN_MUST_USE;

/** due_clear(txn, rec): it is due no more, for it is revoked. */
enum sn_err due_clear(struct sn_txn *txn, struct record *rec) SN_MUST_USE;

/** due_key(rec, out): its key in TABLE_DUE. */
void due_key(const struct record *rec, uint8_t out[8 + SERIAL_BYTES]);

/**
 * due_walk(txn, until, each, arg):
 * Call ${each} for every certificate that is due by ${until}, the oldest
 * first, until it returns other than SN_OK.
 */
enum sn_err due_walk(struct sn_txn *txn, int64_t until,
    enum sn_err (*each)(void *arg, const struct record *rec),
    void *arg) SN_MUST_USE;

#endif
