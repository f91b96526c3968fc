#ifndef CA_RECORD_H
#define CA_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/bytes.h"
#include "lib/err.h"

/* Every serial of ours has this length, and 88 random bits at its end. */
#define SERIAL_BYTES 16
#define SERIAL_RANDOM 11
#define SERIAL_TEXT (2 * SERIAL_BYTES + 1)
#define FINGERPRINT_BYTES 32
#define NAME_BYTES 256 /* An account, or a host of up to 253. */
#define LABEL_BYTES 65
#define RECORD_DER_MAX 16384
#define RECORD_MAX (RECORD_DER_MAX + 1024)

enum record_kind {
	KIND_ROOT = 'r',
	KIND_ISSUER = 'i',
	KIND_CLIENT = 'c',
	KIND_SERVER = 's',
};

enum record_state {
	STATE_PENDING = 1, /* Its serial is taken; nothing is signed yet. */
	STATE_VALID,
	STATE_REVOKED,
	STATE_ABANDONED, /* A crash came before it was signed. */
};

/* One certificate in the books. */
struct record {
	uint8_t serial[SERIAL_BYTES];
	enum record_state state;
	enum record_kind kind;
	uint32_t issuer; /* Id of the issuer that signed it. */
	int64_t created, not_before, not_after;
	int64_t revoked_at;
	uint8_t reason; /* RFC 5280, 5.3.1. */
	int64_t due;    /* Renewed: revoke the old one after this; or 0. */
	char name[NAME_BYTES];
	char label[LABEL_BYTES];
	char profile[LABEL_BYTES];
	uint8_t fingerprint[FINGERPRINT_BYTES];
	struct sn_bytes der; /* Borrowed; empty while pending. */
};

/** record_encode(rec, out, n): into RECORD_MAX bytes at ${out}. SN_ETOOBIG. */
enum sn_err record_encode(
    const struct record *rec, uint8_t *out, size_t *n) SN_MUST_USE;

/** record_decode(serial, value, out): ${out}->der points into ${value}. */
enum sn_err record_decode(struct sn_bytes serial, struct sn_bytes value,
    struct record *out) SN_MUST_USE;

/** record_kind_text, record_state_text: words for people and JSON; ${now}
 * makes the difference between valid and expired. */
const char *record_kind_text(enum record_kind kind);
const char *record_state_text(const struct record *rec, int64_t now);

/* RFC 5280's number of the reason for what another has replaced. */
#define REASON_SUPERSEDED 4

/** record_reason_text(reason): RFC 5280's word; NULL for no such reason.
 * record_reason_of(text, out): the other way; false for none of ours. */
const char *record_reason_text(uint8_t reason);
bool record_reason_of(const char *text, uint8_t *out);

#endif
