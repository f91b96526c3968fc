#ifndef CA_CARRY_H
#define CA_CARRY_H

#include <openssl/x509.h>

#include "ca/record.h"
#include "lib/bytes.h"
#include "lib/store.h"

/*
 * What a backup does not know yet, carried forward into it: nothing that was
 * revoked becomes valid, no number of a list goes down, no certificate that
 * is out there is forgotten.  All of it happens in one transaction on the
 * restored books.
 */
struct carried {
	unsigned certificates, revocations, issuers, entries;
	unsigned released; /* Renewed by what is revoked: they hold on. */
	uint64_t crl;      /* The highest number of a list that was carried. */
};

/** carry_books(from, to, c, why): everything in other books of this authority
 * that are whole.  An issuing CA that is active in one of them is in both:
 * see ca/elect.h.  SN_EDENIED when each has made another CA of one id. */
enum sn_err carry_books(struct sn_txn *from, struct sn_txn *to,
    struct carried *c, struct sn_why *why) SN_MUST_USE;

/** carry_listed(txn, id, out): the number of the list of that CA which the
 * books keep, 0 for none; a higher one may have been reserved. */
enum sn_err carry_listed(
    struct sn_txn *txn, uint32_t id, uint64_t *out) SN_MUST_USE;

/** carry_number(crl): its number, 0 for none. */
uint64_t carry_number(X509_CRL *crl);

/** carry_parted(id, why): SN_EDENIED, for each side has made another CA of
 * that id. */
enum sn_err carry_parted(uint32_t id, struct sn_why *why) SN_MUST_USE;

/** carry_trust(to, pem, c, why): issuing CAs in a ca.pem that the books do
 * not know.  SN_EDENIED when it is another authority's. */
enum sn_err carry_trust(struct sn_txn *to, struct sn_bytes pem,
    struct carried *c, struct sn_why *why) SN_MUST_USE;

/** carry_leaf(to, pem, c): the first certificate of a file that was handed
 * out, when one of our CAs has signed it. */
enum sn_err carry_leaf(
    struct sn_txn *to, struct sn_bytes pem, struct carried *c) SN_MUST_USE;

/** carry_lists(to, pem, c, why): numbers and revocations of the lists in a
 * crl.pem.  SN_EDENIED when one is signed by no CA of ours. */
enum sn_err carry_lists(struct sn_txn *to, struct sn_bytes pem,
    struct carried *c, struct sn_why *why) SN_MUST_USE;

/**
 * carry_intents(to, now, tell, arg):
 * What was under way when the backup was made went on without it.  A serial
 * that was taken and not signed is revoked, for its certificate may have left;
 * what was signed is valid, for its files were about to be written.
 */
enum sn_err carry_intents(struct sn_txn *to, int64_t now,
    void (*tell)(void *arg, const struct record *rec, bool is_revoked),
    void *arg) SN_MUST_USE;

/** carry_stale(to, stale): mark the CAs whose list lacks a revocation that
 * the books have; *${stale} is how many. */
enum sn_err carry_stale(struct sn_txn *to, unsigned *stale) SN_MUST_USE;

/** carry_skip(to, by): nobody can tell which numbers were used: begin so
 * much higher, let the issuing CAs sign anew, and leave out the ids of CAs
 * that may have been made since. */
enum sn_err carry_skip(struct sn_txn *to, uint64_t by) SN_MUST_USE;

#endif
