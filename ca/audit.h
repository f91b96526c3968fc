#ifndef CA_AUDIT_H
#define CA_AUDIT_H

#include <stdint.h>

#include "lib/bytes.h"
#include "lib/err.h"
#include "lib/store.h"

/*
 * The audit trail: each entry carries the hash of the one before, and its
 * own over everything in it, so none can be changed or taken out without
 * breaking every later one.  Whoever notes the head's hash elsewhere can
 * also prove that none was cut off.
 */
#define AUDIT_HASH 32
#define AUDIT_TEXT 1024

struct audit_entry {
	uint64_t sequence;
	int64_t time;
	uint32_t uid;
	char event[64];
	char text[AUDIT_TEXT];
	uint8_t before[AUDIT_HASH];
	uint8_t hash[AUDIT_HASH];
};

/** audit_add(txn, now, event, format, ...): append within ${txn}. */
enum sn_err audit_add(struct sn_txn *txn, int64_t now, const char *event,
    const char *format, ...) SN_PRINTF(4, 5) SN_MUST_USE;

/** audit_value(text, out, size): ${text} as a value of an entry: as it is, or
 * between double quotes where it has blanks, and with \\xHH where it could be
 * taken for something else; cut to fit; returns ${out}. */
const char *audit_value(const char *text, char *out, size_t size);

/** audit_decode(key, value, out): one entry; its hash is checked. */
enum sn_err audit_decode(struct sn_bytes key, struct sn_bytes value,
    struct audit_entry *out) SN_MUST_USE;

/**
 * audit_verify(txn, count, head, why):
 * Walk the whole chain.  SN_ECORRUPT with the sequence where it breaks.
 */
enum sn_err audit_verify(struct sn_txn *txn, uint64_t *count,
    uint8_t head[AUDIT_HASH], struct sn_why *why) SN_MUST_USE;

/** audit_head(txn, sequence, hash): the last entry; 0 and zeros for none. */
enum sn_err audit_head(struct sn_txn *txn, uint64_t *sequence,
    uint8_t hash[AUDIT_HASH]) SN_MUST_USE;

#endif
