#ifndef SERVER_OPLOG_DEVICE_H
#define SERVER_OPLOG_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/name.h"
#include "lib/store.h"

#define DEVICE_FINGERPRINT 32
#define DEVICE_SERIAL_MAX 64
#define DEVICE_ISSUER_MAX 256

/*
 * One certificate of an account, known by its SHA-256 fingerprint and bound
 * to the account's id for ever, after that account's password succeeded.
 */
struct device {
	uint8_t fingerprint[DEVICE_FINGERPRINT];
	uint64_t account;
	bool revoked;
	int64_t not_after; /* s since 1970 */
	uint64_t first;    /* ms since 1970: when it was bound */
	char serial[DEVICE_SERIAL_MAX + 1];
	char issuer[DEVICE_ISSUER_MAX + 1];
	char label[SN_NAME_MAX + 1];
};

/** device_get(txn, fingerprint, out): SN_ENOTFOUND, SN_ECORRUPT. */
enum sn_err device_get(struct sn_txn *txn,
    const uint8_t fingerprint[DEVICE_FINGERPRINT],
    struct device *out) SN_MUST_USE;

/** device_put(txn, device): write the record (apply alone calls it). */
enum sn_err device_put(
    struct sn_txn *txn, const struct device *device) SN_MUST_USE;

/*
 * A device's last login, which this node alone keeps: when, and which CA had
 * issued the certificate as the gate saw it then (struct gate_link).
 */
struct device_seen {
	uint64_t time; /* ms since 1970; 0: it is not known. */
	bool issuer_known;
	uint8_t issuer[32];
};

#define DEVICE_SEEN_MAX (8 + 32)

/** device_seen_write(seen, out): the row's value, into DEVICE_SEEN_MAX
 * bytes; returns their number. */
size_t device_seen_write(
    const struct device_seen *seen, uint8_t out[DEVICE_SEEN_MAX]);

/** device_seen(txn, fingerprint, out): zeros when there is no such row. */
void device_seen(struct sn_txn *txn,
    const uint8_t fingerprint[DEVICE_FINGERPRINT], struct device_seen *out);

/**
 * device_next(txn, account, device, found):
 * Walk an account's devices in the order of their fingerprints: start with
 * ${device} zeroed, go on with what it held.  *${found} false at the end.
 */
enum sn_err device_next(struct sn_txn *txn, uint64_t account,
    struct device *device, bool *found) SN_MUST_USE;

#endif
