#ifndef SERVER_GATE_GATE_H
#define SERVER_GATE_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/bytes.h"
#include "lib/cert.h"
#include "lib/crl.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/subject.h"
#include "lib/tls.h"

/*
 * Whose certificate comes in.  A gate is the trusted authorities, their
 * revocation lists flattened into a table, and the policy; it never changes.
 * A reload builds another one and swaps; whoever still looks at the old one
 * holds it.
 */
struct gate;

#define GATE_CHAIN_MAX 4
#define GATE_LEAF_MAX 8192

struct gate_policy {
	unsigned chain_max; /* Certificates, leaf and root included; <= 4. */
	unsigned keys;      /* Set of enum sn_cert_keys allowed to leaves. */
	int64_t tolerance;  /* Seconds a notBefore may lie ahead. */
	int64_t grace;      /* Seconds past a CRL's nextUpdate; 0: refuse. */
	enum sn_subject_rule rule;
};

/*
 * Which subjects are mapped to accounts by hand, as stands in a table that
 * changes while the gate does not.  ${has} may be called by any thread.
 */
struct gate_mapped {
	bool (*has)(void *arg, const uint8_t digest[SN_SUBJECT_DIGEST]);
	void *arg;
};

struct gate_material {
	struct sn_bytes authority; /* PEM: each CA that is trusted. */
	struct sn_bytes crl;       /* PEM or DER: a list of each of them. */
	const char *authority_file, *crl_file; /* Or NULL. */
	struct gate_policy policy;
	struct gate_mapped mapped; /* NULLs: none is. */
};

/* A certificate and who signed it: what a later look needs. */
struct gate_link {
	uint8_t issuer[SN_CERT_ISSUER];
	uint8_t serial[SN_CERT_SERIAL];
};

/* Who was let in. */
struct gate_peer {
	uint8_t fingerprint[SN_CERT_FINGERPRINT];
	char serial[SN_CERT_SERIAL_HEX];
	char subject[SN_CERT_NAME];    /* For logs, not yet quoted. */
	char issuer[SN_CERT_NAME];     /* The same. */
	char label[SN_NAME_MAX + 1];   /* The device's, or "". */
	int64_t not_before, not_after; /* The leaf's. */
	int64_t ends;                  /* Earliest notAfter of the chain. */
	unsigned link_count;
	struct gate_link links[GATE_CHAIN_MAX]; /* The leaf's first. */
	struct sn_subject_key key;         /* By the rule; empty without one. */
	uint8_t digest[SN_SUBJECT_DIGEST]; /* Of the DER subject. */
	char claim[SN_NAME_MAX + 1]; /* The account a URI of it names, or "". */
};

/**
 * gate_new(material, previous, out, why):
 * Check everything and build a gate.  The authority names the root and every
 * issuing CA; a CA that is not there has no revocation list that could be
 * believed, so certificates below it are refused.  With ${previous} (NULL at the start)
 * the lists may not be older than those in force.  On failure nothing has
 * changed and the old gate stays in force.  SN_EINVAL, SN_ECERT,
 * SN_EEXPIRED, SN_ENOMEM.
 */
enum sn_err gate_new(const struct gate_material *material,
    const struct gate *previous, struct gate **out,
    struct sn_why *why) SN_MUST_USE;

/** gate_hold(gate): one more reference; returns ${gate}.  Any thread. */
struct gate *gate_hold(struct gate *gate);

/** gate_release(gate): one less; NULL is fine.  Any thread. */
void gate_release(struct gate *gate);

/*
 * One connection at the gate.  Must outlive the handshake.  ${limit} is the
 * calling thread's own limit for lines about refusals (NULL: none).
 */
struct gate_visit {
	const struct gate *gate; /* Held by whoever made the visit. */
	const char *address;     /* Of the peer, for the log. */
	struct sn_log_limit *limit;
	bool admitted, refused;
	struct gate_peer *peer; /* Where to write who was admitted. */
	/* The admitted leaf in DER, malloc'd, for the taking; NULL above
	 * GATE_LEAF_MAX. */
	uint8_t *leaf;
	size_t leaf_len;
};

/**
 * gate_verify(visit, leaf, chain):
 * The verifier to give to sn_tls_accept, with a struct gate_visit as its
 * argument.  After the handshake ${admitted} is true and *${peer} is filled
 * in.  A refusal is one log line, gate.refused, and the precise alert.
 */
int gate_verify(void *visit, X509 *leaf, STACK_OF(X509) * chain);

/**
 * gate_failed(visit, tls):
 * One log line, tls.failed, about a handshake that ended in FAILED or
 * TRUNCATED, unless the gate has said why already.
 */
void gate_failed(struct gate_visit *visit, const struct sn_tls *tls);

/**
 * gate_check(gate, leaf, chain, now, peer, refusal):
 * The same decision without a connection or a log line; ${now} is in seconds
 * since 1970.  ${chain} (NULL: none) are certificates to build a path with.
 * A certificate that has no key under the rule comes in when its subject is
 * mapped by hand; whose it is then, server/net/owner.h says.
 */
enum sn_err gate_check(const struct gate *gate, X509 *leaf,
    STACK_OF(X509) * chain, int64_t now, struct gate_peer *peer,
    struct sn_cert_refusal *refusal) SN_MUST_USE;

/**
 * gate_recheck(gate, peer, now):
 * Whether one that was let in, perhaps by an older gate, may stay: SN_OK,
 * SN_EREVOKED, SN_EEXPIRED (a certificate of the chain ended), or SN_ECERT
 * when an issuer is no longer trusted or has no list.  A list past its
 * nextUpdate keeps new ones out and throws nobody out.  Cheap: a search for
 * each link.
 */
enum sn_err gate_recheck(const struct gate *gate, const struct gate_peer *peer,
    int64_t now) SN_MUST_USE;

/**
 * gate_explain(gate, pem, peer, why):
 * What would happen to the certificate (and those behind it) in ${pem}, and
 * why.  ${peer} is filled in as far as the certificate can be read.
 */
enum sn_err gate_explain(const struct gate *gate, struct sn_bytes pem,
    struct gate_peer *peer, struct sn_why *why) SN_MUST_USE;

/** gate_crl_number(gate): the highest number of its lists, 0 without one. */
uint64_t gate_crl_number(const struct gate *gate);

/** gate_crl_of(gate, peer): the list that ${peer}'s own certificate was looked
 * up in; NULL when the decision fell before. */
const struct sn_crl_info *gate_crl_of(
    const struct gate *gate, const struct gate_peer *peer);

/** gate_crl_at(gate, i): facts of the ${i}th list; NULL behind the last. */
const struct sn_crl_info *gate_crl_at(const struct gate *gate, size_t i);

/* A CA that is trusted. */
struct gate_issuer {
	uint8_t id[SN_CERT_ISSUER]; /* As in struct gate_link. */
	char name[SN_CERT_NAME];
	int64_t not_before, not_after;
	bool superseded; /* Beside it stands a later one of the same parent. */
};

/** gate_issuer_at(gate, i, out): the ${i}th; false behind the last. */
bool gate_issuer_at(
    const struct gate *gate, unsigned i, struct gate_issuer *out);

/** gate_crl_until(gate): the earliest nextUpdate of its lists, 0: none. */
int64_t gate_crl_until(const struct gate *gate);

#endif
