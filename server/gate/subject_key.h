#ifndef SERVER_GATE_SUBJECT_KEY_H
#define SERVER_GATE_SUBJECT_KEY_H

#include "lib/bytes.h"
#include "lib/subject.h"

/* A subject as a key of the tables: the rule's byte, then its value. */
struct subject_key {
	size_t len;
	uint8_t bytes[1 + SN_SUBJECT_KEY_MAX];
};

/** subject_key(from, out): of what a certificate has. */
void subject_key(const struct sn_subject_key *from, struct subject_key *out);

/** subject_key_of_name(name, out): of the account ${name}, rule cn or
 * san-uri as ${rule} says. */
void subject_key_of_name(
    enum sn_subject_rule rule, struct sn_bytes name, struct subject_key *out);

/** subject_key_of_digest(digest, out): of a whole subject, which is rule dn's
 * key and a mapping's by hand. */
void subject_key_of_digest(
    const uint8_t digest[SN_SUBJECT_DIGEST], struct subject_key *out);

struct sn_bytes subject_key_bytes(const struct subject_key *key);

#endif
