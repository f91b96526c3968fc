#ifndef CA_ISSUER_H
#define CA_ISSUER_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "ca/record.h"
#include "lib/store.h"

#define ISSUER_ROOT 0U

/* A CA of ours: the root (id 0) or an issuing CA (1, 2, ...). */
struct issuer {
	uint32_t id;
	bool active; /* Signs new leaves; exactly one issuing CA does. */
	uint8_t serial[SERIAL_BYTES];
	uint64_t crl_number; /* Highest ever reserved. */
	bool crl_stale;      /* A revocation is not in the CRL yet. */
	int64_t crl_this, crl_next;
};

/** issuer_get(txn, id, out): SN_ENOTFOUND, SN_ECORRUPT. */
enum sn_err issuer_get(
    struct sn_txn *txn, uint32_t id, struct issuer *out) SN_MUST_USE;

/** issuer_put(txn, issuer): insert or replace. */
enum sn_err issuer_put(
    struct sn_txn *txn, const struct issuer *issuer) SN_MUST_USE;

/** issuer_active(txn, out): the one that signs leaves. */
enum sn_err issuer_active(struct sn_txn *txn, struct issuer *out) SN_MUST_USE;

/** issuer_certificate(txn, id, out, why): parsed from the books. */
enum sn_err issuer_certificate(struct sn_txn *txn, uint32_t id, X509 **out,
    struct sn_why *why) SN_MUST_USE;

/** issuer_key(id, out): the name of its key: "root", "issuing-1". */
const char *issuer_key(uint32_t id, char out[32]);

/** issuer_id_key(id, out): its key in the tables. */
struct sn_bytes issuer_id_key(uint32_t id, uint8_t out[4]);

#endif
