#ifndef CA_CRL_LIST_H
#define CA_CRL_LIST_H

#include <openssl/x509.h>

#include "ca/issuer.h"
#include "lib/store.h"

/** crl_list_fill(txn, id, last, crl): add an entry for each revoked
 * certificate of issuer ${id} but those that ended before ${last}, the time
 * of the CRL before, and were in it. */
enum sn_err crl_list_fill(
    struct sn_txn *txn, uint32_t id, int64_t last, X509_CRL *crl) SN_MUST_USE;

/** crl_list_lacks(txn, id, last, crl, out): whether ${crl}, of ${last}, lacks
 * an entry that crl_list_fill would add. */
enum sn_err crl_list_lacks(struct sn_txn *txn, uint32_t id, int64_t last,
    X509_CRL *crl, bool *out) SN_MUST_USE;

/** crl_list_add(txn, rec): list ${rec}, which has been revoked. */
enum sn_err crl_list_add(
    struct sn_txn *txn, const struct record *rec) SN_MUST_USE;

#endif
