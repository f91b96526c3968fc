#ifndef CA_FIND_H
#define CA_FIND_H

#include <stdbool.h>

#include "ca/authority.h"
#include "ca/record.h"

/** find_serial(txn, hex, out, why): by serial; the digits may have colons,
 * any case, leading zeros. SN_EINVAL, SN_ENOTFOUND. */
enum sn_err find_serial(struct sn_txn *txn, const char *hex, struct record *out,
    struct sn_why *why) SN_MUST_USE;

/** find_file(txn, path, out, why): the record of the first certificate in a
 * PEM or DER file. */
enum sn_err find_file(struct sn_txn *txn, const char *path, struct record *out,
    struct sn_why *why) SN_MUST_USE;

/**
 * find_walk(txn, kind, name, label, each, arg):
 * Call ${each} for every certificate of a name (and label, unless NULL),
 * oldest first, until it returns other than SN_OK.  SN_ECORRUPT when the
 * books know of more than there are.
 */
enum sn_err find_walk(struct sn_txn *txn, enum record_kind kind,
    const char *name, const char *label,
    enum sn_err (*each)(void *arg, const struct record *rec),
    void *arg) SN_MUST_USE;

#endif
