#ifndef CA_CERTIFICATE_H
#define CA_CERTIFICATE_H

#include "ca/key.h"
#include "ca/profile.h"
#include "ca/record.h"
#include "ca/spki.h"

/* Everything that will be in a certificate; nothing comes from a CSR but
 * ${key}. */
struct blueprint {
	enum record_kind kind;
	const char *organisation;
	const char *common_name; /* NULL: only the organisation. */
	const uint8_t *serial;   /* SERIAL_BYTES */
	int64_t not_before, not_after;
	const struct spki *key;
	X509 *issuer; /* NULL: signs itself. */
	const struct profile *profile;
	const char *const *sans; /* "dns:host", "ip:1.2.3.4", "uri:..." */
	size_t san_count;
};

/**
 * certificate_make(b, signer, out, n, why):
 * Write and sign: ${n} bytes of DER at *${out}, malloc'd.  RFC 5280: v3; SKI
 * and AKI; basicConstraints and keyUsage critical; EKU on leaves and issuers;
 * UTCTime through 2049.  They are written by ca/encode.h, each rule once, and
 * not by OpenSSL, whose objects take four times as long as the signature.
 * SN_ETOOBIG when they would not fit a row of the books.
 */
enum sn_err certificate_make(const struct blueprint *b,
    const struct key *signer, uint8_t **out, size_t *n,
    struct sn_why *why) SN_MUST_USE;

/** certificate_draft(b, out, why): an unsigned one with the subject and the
 * alternative names alone, for checking them. */
enum sn_err certificate_draft(
    const struct blueprint *b, X509 **out, struct sn_why *why) SN_MUST_USE;

/** certificate_spki(der): its SubjectPublicKeyInfo; .n is 0 when ${der} is no
 * certificate. */
struct sn_bytes certificate_spki(struct sn_bytes der);

#endif
