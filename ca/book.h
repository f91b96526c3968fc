#ifndef CA_BOOK_H
#define CA_BOOK_H

#include "ca/authority.h"
#include "ca/record.h"

/*
 * The order that a crash cannot break:
 *
 *	book_reserve    serial, intent and audit are durable
 *	(sign)
 *	book_enter      the certificate is durable
 *	(files are written)
 *	book_delivered  the intent is taken away
 *
 * A certificate is therefore never outside the books, and a serial never
 * used twice.  What a crash leaves is an intent, and settle.c clears it.
 */

/* What is said in an intent. */
struct intent {
	bool entered;     /* book_enter has been: a certificate exists. */
	bool has_key;     /* We made its key, which dies with the files. */
	bool renews;      /* Others of its device become due... */
	int64_t keep_old; /* ...for revocation so many seconds later... */
	uint8_t old[SERIAL_BYTES]; /* ...or this one alone; 0: all of them. */
	uint32_t founds;           /* Id of the CA that begins with it. */
	char to[PATH_BYTES];       /* Folder its files go to; "" for none. */
};

/**
 * book_reserve(a, rec, replaces, intent, why):
 * Give ${rec} a serial nobody has had, its times (from days or not_after)
 * and a row.  The caller has set kind, issuer, name, label, profile and, as
 * a number of seconds, not_after.  SN_EEXISTS when a valid certificate of
 * that name and label is there and not to be replaced; SN_EDENIED when the
 * clock is wrong, or none is there that ${intent} would renew.
 */
enum sn_err book_reserve(struct authority *a, struct record *rec, bool replaces,
    const struct intent *intent, struct sn_why *why) SN_MUST_USE;

/** book_allows(a, rec, replaces, intent, why): what book_reserve would
 * refuse, refused without writing; not for good, for others are at work. */
enum sn_err book_allows(struct authority *a, const struct record *rec,
    bool replaces, const struct intent *intent, struct sn_why *why) SN_MUST_USE;

/**
 * book_enter(a, rec, replaces, der, why):
 * The signed certificate.  SN_EEXISTS when, unless it ${replaces}, another
 * command has entered one for this device in the meantime, SN_EDENIED when one
 * has revoked what this renews: it is given up then, and must not leave.
 */
enum sn_err book_enter(struct authority *a, struct record *rec, bool replaces,
    struct sn_bytes der, struct sn_why *why) SN_MUST_USE;

/**
 * book_reserve_in(txn, rec, replaces, intent, why),
 * book_enter_in(txn, rec, replaces, why):
 * The same in the caller's write transaction, for many at once;
 * ${rec}->der and ->fingerprint are set for the second.  After SN_EEXISTS
 * the transaction goes on: the first has changed nothing, the second has
 * given its row up.
 */
enum sn_err book_reserve_in(struct sn_txn *txn, struct record *rec,
    bool replaces, const struct intent *intent, struct sn_why *why) SN_MUST_USE;
enum sn_err book_enter_in(struct sn_txn *txn, struct record *rec, bool replaces,
    struct sn_why *why) SN_MUST_USE;

/** book_abandon(txn, rec): its serial is given up, nothing will be signed. */
enum sn_err book_abandon(struct sn_txn *txn, struct record *rec) SN_MUST_USE;

/** book_settled(txn, rec): nothing is left to do for it. */
enum sn_err book_settled(
    struct sn_txn *txn, const struct record *rec) SN_MUST_USE;

/** book_delivered(a, rec, why): its files are written. */
enum sn_err book_delivered(struct authority *a, const struct record *rec,
    struct sn_why *why) SN_MUST_USE;

/** book_intent(txn, rec, out): what was being done with it. SN_ENOTFOUND. */
enum sn_err book_intent(struct sn_txn *txn, const struct record *rec,
    struct intent *out) SN_MUST_USE;

/** book_adopt(txn, rec): enter a row as it is in other books, with all that
 * belongs to it.  One without DER is known by its serial alone, from a
 * revocation list. */
enum sn_err book_adopt(
    struct sn_txn *txn, const struct record *rec) SN_MUST_USE;

/** book_get(txn, serial, out): one record; ${out}->der is in the map. */
enum sn_err book_get(struct sn_txn *txn, const uint8_t serial[SERIAL_BYTES],
    struct record *out) SN_MUST_USE;

/** book_put(txn, rec): replace its row (not its indexes). */
enum sn_err book_put(struct sn_txn *txn, const struct record *rec) SN_MUST_USE;

/** book_device_key(rec, out): its key in TABLE_DEVICE; with an empty label
 * and ${prefix}, the part before. Returns the length; BOOK_KEY bytes. */
#define BOOK_KEY (1 + NAME_BYTES + LABEL_BYTES + 8 + SERIAL_BYTES)
size_t book_device_key(const struct record *rec, uint8_t out[BOOK_KEY]);

/** book_prefix(kind, name, label, out): the start of such keys; ${label}
 * NULL for all of a name's. */
size_t book_prefix(enum record_kind kind, const char *name, const char *label,
    uint8_t out[BOOK_KEY]);

/** book_expiry_key(rec, out): its key in TABLE_EXPIRY. */
void book_expiry_key(const struct record *rec, uint8_t out[8 + SERIAL_BYTES]);

/** book_newest(txn, kind, name, label, now, out): the valid certificate of a
 * device with the latest start.  SN_ENOTFOUND; SN_ECORRUPT when a row of that
 * name is missing, for it might be the one. */
enum sn_err book_newest(struct sn_txn *txn, enum record_kind kind,
    const char *name, const char *label, int64_t now,
    struct record *out) SN_MUST_USE;

#endif
