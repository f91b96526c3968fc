#ifndef SN_LIB_SUBJECT_H
#define SN_LIB_SUBJECT_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "lib/cert.h"
#include "lib/err.h"
#include "lib/name.h"

/*
 * Which part of a certificate says whose it is.  Exactly one value may
 * match; what could be read in two ways is refused.
 */
enum sn_subject_rule {
	SN_SUBJECT_CN = 1,      /* The one commonName; the usual rule. */
	SN_SUBJECT_DN = 2,      /* SHA-256 of the DER subject. */
	SN_SUBJECT_SAN_URI = 3, /* The one URI among the alternative names. */
};

/* LMDB keys end at 511 bytes; the rule is the first. */
#define SN_SUBJECT_KEY_MAX 510
#define SN_SUBJECT_DIGEST 32

/*
 * cn: the account's name.  san-uri: the account's name out of
 * "urn:sichernetz:account:NAME[:device:LABEL]", or any other URI as it
 * stands.  dn: 32 bytes.  Compared byte for byte.
 */
struct sn_subject_key {
	enum sn_subject_rule rule;
	size_t len;
	uint8_t bytes[SN_SUBJECT_KEY_MAX];
};

/** sn_subject_rule(word, out): "cn", "dn", "san-uri".  SN_EINVAL. */
enum sn_err sn_subject_rule(
    const char *word, enum sn_subject_rule *out) SN_MUST_USE;

/** sn_subject_rule_word(rule): the word back; static storage. */
const char *sn_subject_rule_word(enum sn_subject_rule rule);

/**
 * sn_subject_key(cert, rule, out, label, refusal):
 * Read the key of ${cert} under ${rule} into ${out}, and the device's label
 * that its URI tells, or "", into ${label}.  A commonName must be an account
 * name in PrintableString or UTF8String; a SicherNetz URI beside it must
 * name the same account.  SN_ECERT with the sentence in ${refusal}.
 */
enum sn_err sn_subject_key(X509 *cert, enum sn_subject_rule rule,
    struct sn_subject_key *out, char label[SN_NAME_MAX + 1],
    struct sn_cert_refusal *refusal) SN_MUST_USE;

/** The word of a refusal that no mapping by hand can overrule: the certificate
 * itself names two accounts. */
#define SN_SUBJECT_CONTRADICTION "contradiction"

/**
 * sn_subject_claim(cert, digest, account, label, refusal):
 * What a mapping by hand goes by: SHA-256 of the DER subject, whatever is in
 * it; and what a SicherNetz URI among the alternative names says beside it,
 * account and device, each "" where there is none.  SN_ECERT when that URI
 * can be read in two ways or not at all.
 */
enum sn_err sn_subject_claim(X509 *cert, uint8_t digest[SN_SUBJECT_DIGEST],
    char account[SN_NAME_MAX + 1], char label[SN_NAME_MAX + 1],
    struct sn_cert_refusal *refusal) SN_MUST_USE;

#endif
