#ifndef SERVER_OPLOG_MAPPING_H
#define SERVER_OPLOG_MAPPING_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/cert.h"
#include "lib/name.h"
#include "lib/store.h"

/* LMDB's keys end at 511 bytes, and the account stands in front. */
#define MAPPING_KEY_MAX (511 - 8)

/*
 * A subject that was mapped to an account by hand, beside the one that the
 * rule gives it.  The key is that of server/gate/subject_key.h; in SUBJECTS
 * it leads to the account as every other does.
 */
struct mapping {
	uint64_t account;
	size_t key_len;
	uint8_t key[MAPPING_KEY_MAX];
	uint64_t time;           /* ms since 1970: when it was made. */
	char text[SN_CERT_NAME]; /* The subject, for people. */
	/* The account its commonName names by itself, or "". */
	char name[SN_NAME_MAX + 1];
};

/** mapping_key(m): its key; points into ${m}. */
struct sn_bytes mapping_key(const struct mapping *m);

/**
 * mapping_write(w, m), mapping_read(r, m):
 * All but the account; what does not fit makes ${r} bad.
 */
void mapping_write(struct sn_wr *w, const struct mapping *m);
void mapping_read(struct sn_rd *r, struct mapping *m);

/** mapping_parse(key, value, out): a row of the table.  SN_ECORRUPT. */
enum sn_err mapping_parse(struct sn_bytes key, struct sn_bytes value,
    struct mapping *out) SN_MUST_USE;

/** mapping_get(txn, account, key): whether there is that one, and whole.
 * SN_ENOTFOUND, SN_ECORRUPT. */
enum sn_err mapping_get(
    struct sn_txn *txn, uint64_t account, struct sn_bytes key) SN_MUST_USE;

/**
 * mapping_next(txn, m, found):
 * The next one behind ${m} in the order of (account, key): start with it
 * zeroed but for the account, go on with what it held.  *${found} false at
 * the end of all; the caller looks whose it is.
 */
enum sn_err mapping_next(
    struct sn_txn *txn, struct mapping *m, bool *found) SN_MUST_USE;

/** mapping_put, mapping_delete: the record (apply alone calls them). */
enum sn_err mapping_put(
    struct sn_txn *txn, const struct mapping *m) SN_MUST_USE;
enum sn_err mapping_delete(
    struct sn_txn *txn, const struct mapping *m) SN_MUST_USE;

#endif
