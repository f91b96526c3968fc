#ifndef CA_DUE_H
#define CA_DUE_H

#include "ca/record.h"
#include "lib/store.h"

/*
 * Certificates that were renewed stay valid for a while, and are then due
 * for revocation: TABLE_DUE has them in the order of that moment.
 */

/** due_mark(txn, rec, old, at): every other valid certificate of ${rec}'s
 * device, or unless NULL the one with the serial ${old} alone, is due at
 * ${at}, or at its end where that is sooner; one that was due before stays
 * so.  What has ended, of whatever device, is due no more: the table has
 * nothing but what can be revoked. */
enum sn_err due_mark(struct sn_txn *txn, const struct record *rec,
    const uint8_t *old, int64_t at) SN_MUST_USE;

/** due_superseded(txn, rec, now, out): whether its device has another valid
 * certificate that is not due itself, of an issuer that is not revoked: only
 * then may ${rec} go. */
enum sn_err due_superseded(struct sn_txn *txn, const struct record *rec,
    int64_t now, bool *out) SN_MUST_USE;

/**
 * due_release(txn, rec, now, out):
 * ${rec}'s device may have lost what renewed it.  Where nothing valid is left
 * that is not due, the newest that is due holds on as before the renewal; it
 * is in ${out} then, and SN_ENOTFOUND says that there was nothing to do.
 */
enum sn_err due_release(struct sn_txn *txn, const struct record *rec,
    int64_t now, struct record *out) SN_MUST_USE;

/** due_release_all(txn, now, count): the same for every device that has one
 * due, as after books were merged; so many hold on. */
enum sn_err due_release_all(
    struct sn_txn *txn, int64_t now, unsigned *count) SN_MUST_USE;

/** due_put(txn, rec): ${rec}->due has been set. */
enum sn_err due_put(struct sn_txn *txn, const struct record *rec) SN_MUST_USE;

/** due_clear(txn, rec): it is due no more; the caller writes ${rec}. */
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
