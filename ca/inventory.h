#ifndef CA_INVENTORY_H
#define CA_INVENTORY_H

#include "lib/bytes.h"
#include "lib/err.h"
#include "lib/store.h"

/*
 * The books.  Every row carries a seal: a checksum over its table, key and
 * value, so that a flipped bit is reported (SN_ECORRUPT) and never believed.
 */
enum inventory_table {
	TABLE_META,        /* Name -> value: format, organisation, last time. */
	TABLE_ISSUER,      /* Issuer id (be32) -> struct issuer. */
	TABLE_CERTIFICATE, /* Serial -> struct record. */
	TABLE_DEVICE,      /* Kind, name, label, start, serial -> nothing. */
	TABLE_ACCOUNT,     /* Kind, name -> number of its rows in DEVICE. */
	TABLE_EXPIRY,      /* End (be64), serial -> nothing. */
	TABLE_REVOKED,     /* Issuer id, serial -> when, why, end. */
	TABLE_FINGERPRINT, /* SHA-256 of a certificate -> serial. */
	TABLE_INTENT,      /* Serial -> what was being done with it. */
	TABLE_CRL,         /* Issuer id -> its CRL in force, DER. */
	TABLE_AUDIT,       /* Sequence (be64) -> chained entry. */
	TABLE_DUE,         /* When (be64) to revoke it, serial -> nothing. */
	TABLE_COUNT,
};

/** inventory_create(dir, out, why): new books in ${dir}. */
enum sn_err inventory_create(
    const char *dir, struct sn_store **out, struct sn_why *why) SN_MUST_USE;

/** inventory_open(dir, read_only, out, why): the books in ${dir}.
 * SN_ECORRUPT when they are damaged as a whole. */
enum sn_err inventory_open(const char *dir, bool read_only,
    struct sn_store **out, struct sn_why *why) SN_MUST_USE;

/** inventory_table_name(table): for messages. */
const char *inventory_table_name(unsigned table);

/** inventory_get: as sn_txn_get, with the seal checked and taken off. */
enum sn_err inventory_get(struct sn_txn *txn, enum inventory_table table,
    struct sn_bytes key, struct sn_bytes *value) SN_MUST_USE;

/** inventory_put, inventory_insert: as sn_txn_put, sn_txn_insert, sealed. */
enum sn_err inventory_put(struct sn_txn *txn, enum inventory_table table,
    struct sn_bytes key, struct sn_bytes value) SN_MUST_USE;
enum sn_err inventory_insert(struct sn_txn *txn, enum inventory_table table,
    struct sn_bytes key, struct sn_bytes value) SN_MUST_USE;

/** inventory_unseal(table, key, value): check a row met by a cursor and take
 * its seal off ${value}.  SN_ECORRUPT. */
enum sn_err inventory_unseal(enum inventory_table table, struct sn_bytes key,
    struct sn_bytes *value) SN_MUST_USE;

/** Numbers under a name in TABLE_META; a missing one reads as ${absent}. */
enum sn_err inventory_number(struct sn_txn *txn, const char *name,
    int64_t absent, int64_t *out) SN_MUST_USE;
enum sn_err inventory_set_number(
    struct sn_txn *txn, const char *name, int64_t value) SN_MUST_USE;

/** inventory_why(store, err, why): the sentence for a failure in here. */
enum sn_err inventory_why(const struct sn_store *store, enum sn_err err,
    struct sn_why *why) SN_MUST_USE;

#endif
