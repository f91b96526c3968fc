#ifndef SERVER_GATE_GATE_INTERNAL_H
#define SERVER_GATE_GATE_INTERNAL_H

/* Between the gate files only. */

#include "server/gate/gate.h"

#define GATE_AUTHORITIES_MAX 32
#define GATE_NO_PARENT (-1)

/* One trusted CA; verified against its parent once, when it was read. */
struct gate_authority {
	X509 *cert; /* The gate's stack owns it. */
	uint8_t id[SN_CERT_ISSUER];
	struct gate_link link; /* To its parent, where there is one. */
	int parent;            /* Its place in the table. */
	int64_t not_before, not_after;
};

struct gate {
	int holders;
	struct gate_policy policy;
	struct gate_mapped mapped;
	STACK_OF(X509) * stack;
	X509_STORE *store;
	int count;
	struct gate_authority authorities[GATE_AUTHORITIES_MAX];
	struct sn_crl_set *crls;
};

/**
 * gate_authorities_read(gate, pem, why):
 * Fill in the trusted CAs, each checked, and who of them signed whom.
 */
enum sn_err gate_authorities_read(
    struct gate *gate, struct sn_bytes pem, struct sn_why *why) SN_MUST_USE;

/** gate_facts(leaf, peer): what can be read of a leaf, trusted or not. */
void gate_facts(X509 *leaf, struct gate_peer *peer);

#endif
