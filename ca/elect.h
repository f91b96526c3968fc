#ifndef CA_ELECT_H
#define CA_ELECT_H

#include "ca/issuer.h"

/** Whether the key of an issuing CA is at hand. */
typedef bool elect_has_key(const void *arg, uint32_t id);

/**
 * elect(txn, has_key, arg, now, out):
 * Let one issuing CA be active where merged books have several, or one that
 * can sign nothing: the newest active one, for a rotation only goes up, whose
 * key is here and whose certificate holds; else the newest of the others of
 * which that is true; else the newest active one.  *${out} is its id, 0 where
 * there is no issuing CA at all.
 */
enum sn_err elect(struct sn_txn *txn, elect_has_key *has_key, const void *arg,
    int64_t now, uint32_t *out) SN_MUST_USE;

#endif
