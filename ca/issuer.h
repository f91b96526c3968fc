#ifndef CA_ISSUER_H
#define CA_ISSUER_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "ca/record.h"
#include "lib/store.h"

#define ISSUER_ROOT 0U
/* So many issuing CAs may be alive at once; servers take some more. */
#define ISSUER_ALIVE_MAX 30

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

/** issuer_from(txn, id, out): the CA of that id, or else the next above it;
 * ids have gaps where a CA was lost.  SN_ENOTFOUND behind the last. */
enum sn_err issuer_from(
    struct sn_txn *txn, uint32_t id, struct issuer *out) SN_MUST_USE;

/** issuer_put(txn, issuer): insert or replace. */
enum sn_err issuer_put(
    struct sn_txn *txn, const struct issuer *issuer) SN_MUST_USE;

/** issuer_active(txn, out): the one that signs leaves. */
enum sn_err issuer_active(struct sn_txn *txn, struct issuer *out) SN_MUST_USE;

/** issuer_found(txn, id, serial): enter a new CA.  The first issuing CA is
 * active at once, a later one after issuer_activate. SN_EEXISTS. */
enum sn_err issuer_found(struct sn_txn *txn, uint32_t id,
    const uint8_t serial[SERIAL_BYTES]) SN_MUST_USE;

/** issuer_activate(txn, id): leaves are signed by ${id} from now on, and by
 * no other. */
enum sn_err issuer_activate(struct sn_txn *txn, uint32_t id) SN_MUST_USE;

/** issuer_next(txn, out): the id that the next issuing CA gets: above all
 * that there are, and not below what issuer_skip said. */
enum sn_err issuer_next(struct sn_txn *txn, uint32_t *out) SN_MUST_USE;

/** issuer_skip(txn): others may have been made that the books do not know:
 * the next id is above theirs. */
enum sn_err issuer_skip(struct sn_txn *txn) SN_MUST_USE;

/** issuer_revoked(txn, id, out): whether it is, and with it all that it has
 * issued; what the books do not know is not. */
enum sn_err issuer_revoked(
    struct sn_txn *txn, uint32_t id, bool *out) SN_MUST_USE;

/** issuer_record(txn, issuer, out): its certificate's row in the books; a
 * missing one is SN_ECORRUPT. */
enum sn_err issuer_record(struct sn_txn *txn, const struct issuer *issuer,
    struct record *out) SN_MUST_USE;

/* What an issuing CA is there for at a moment. */
enum issuer_state {
	ISSUER_PREPARED, /* Known to servers, and signs no leaf yet. */
	ISSUER_ACTIVE,
	ISSUER_RETIRED, /* Signs lists of what it has issued, no leaf. */
	ISSUER_REVOKED,
	ISSUER_EXPIRED,
};

/** issuer_state(issuer, rec, active, now): ${rec} is its certificate's row,
 * ${active} the id of the active one. */
enum issuer_state issuer_state(const struct issuer *issuer,
    const struct record *rec, uint32_t active, int64_t now);
const char *issuer_state_text(enum issuer_state state);

/** issuer_usable(txn, issuer, now, why): whether it may sign a certificate
 * now.  SN_EDENIED when it is revoked or its time is over. */
enum sn_err issuer_usable(struct sn_txn *txn, const struct issuer *issuer,
    int64_t now, struct sn_why *why) SN_MUST_USE;

/** issuer_certificate(txn, id, out, why): parsed from the books. */
enum sn_err issuer_certificate(struct sn_txn *txn, uint32_t id, X509 **out,
    struct sn_why *why) SN_MUST_USE;

/** issuer_key(id, out): the name of its key: "root", "issuing-1". */
const char *issuer_key(uint32_t id, char out[32]);

/** issuer_id_key(id, out): its key in the tables. */
struct sn_bytes issuer_id_key(uint32_t id, uint8_t out[4]);

#endif
