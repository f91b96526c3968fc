#ifndef SN_LIB_CERT_H
#define SN_LIB_CERT_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "lib/bytes.h"
#include "lib/err.h"
#include "lib/secret.h"

/*
 * What is in a certificate, and whether a leaf has the shape that is asked
 * of it.  Nothing here says whether a certificate is trusted.
 */

#define SN_CERT_FINGERPRINT 32
#define SN_CERT_SERIAL 20
#define SN_CERT_SERIAL_HEX (2 * SN_CERT_SERIAL + 1)
#define SN_CERT_ISSUER 32
#define SN_CERT_NAME 256

/* Key types, as bits of a set of allowed ones. */
enum sn_cert_keys {
	SN_CERT_P256 = 1 << 0,
	SN_CERT_P384 = 1 << 1,
	SN_CERT_ED25519 = 1 << 2,
	SN_CERT_RSA2048 = 1 << 3, /* RSA of 2048 to 8192 bits, e >= 65537. */
	SN_CERT_RSA3072 = 1 << 4, /* RSA of 3072 to 8192 bits, e >= 65537. */
};
#define SN_CERT_KEYS_DEFAULT \
	(SN_CERT_P256 | SN_CERT_P384 | SN_CERT_ED25519 | SN_CERT_RSA2048)

/*
 * Why a certificate is refused: the TLS alert to send (RFC 8446, 6.2), a
 * stable word for logs and programs ("no-client-auth"), and the sentence.
 */
struct sn_cert_refusal {
	enum sn_err err;
	int alert;
	const char *word;
	struct sn_why why;
};

/**
 * sn_cert_refuse(r, err, alert, word, format, ...):
 * Fill ${r} (NULL: nothing) and return ${err}.
 */
enum sn_err sn_cert_refuse(struct sn_cert_refusal *r, enum sn_err err,
    int alert, const char *word, const char *format, ...) SN_PRINTF(5, 6);

/**
 * sn_cert_read(pem, out, why):
 * Read all certificates of the PEM text ${pem}, in order, into a new stack
 * that the caller frees with sn_cert_free.  Anything in a CERTIFICATE block
 * that is not one, and a text without any, is SN_EINVAL; other blocks and
 * text between blocks are passed over.
 */
enum sn_err sn_cert_read(
    struct sn_bytes pem, STACK_OF(X509) * *out, struct sn_why *why) SN_MUST_USE;

/** sn_cert_free(stack): free the certificates and the stack; NULL is fine. */
void sn_cert_free(STACK_OF(X509) * stack);

/**
 * sn_cert_read_key(pem, passphrase, out, why):
 * Read a private key in PEM, with ${passphrase} (NULL: none) where it is
 * encrypted.  Never asks on a terminal.  SN_EPASSPHRASE when it is encrypted
 * and the passphrase is missing or wrong, SN_EINVAL when it is no key.
 */
enum sn_err sn_cert_read_key(struct sn_bytes pem,
    const struct sn_secret *passphrase, EVP_PKEY **out,
    struct sn_why *why) SN_MUST_USE;

/** sn_cert_fingerprint(cert, out): SHA-256 of the DER certificate. */
void sn_cert_fingerprint(const X509 *cert, uint8_t out[SN_CERT_FINGERPRINT]);

/** sn_cert_key_id(cert, out): SHA-256 of the SubjectPublicKeyInfo's DER. */
void sn_cert_key_id(const X509 *cert, uint8_t out[32]);

/**
 * sn_cert_serial(number, out):
 * A serial as 20 octets, padded in front with zeros.  SN_ECERT when it is
 * not positive or longer (RFC 5280, 4.1.2.2).
 */
enum sn_err sn_cert_serial(
    const ASN1_INTEGER *number, uint8_t out[SN_CERT_SERIAL]) SN_MUST_USE;

/** sn_cert_serial_hex(serial, out): without leading zeros; returns ${out}. */
const char *sn_cert_serial_hex(
    const uint8_t serial[SN_CERT_SERIAL], char out[SN_CERT_SERIAL_HEX]);

/**
 * sn_cert_issuer(issuer, out):
 * Who signs, as SHA-256 over the DER subject and the key of a CA's
 * certificate: two certificates of one CA are one issuer, two keys under one
 * name are two.
 */
void sn_cert_issuer(const X509 *issuer, uint8_t out[SN_CERT_ISSUER]);

/** sn_cert_time(t, out): seconds since 1970 UTC.  SN_ECERT if unreadable. */
enum sn_err sn_cert_time(const ASN1_TIME *t, int64_t *out) SN_MUST_USE;

/** sn_cert_name(name, out): RFC 2253 text, cut to fit; returns ${out}. */
const char *sn_cert_name(const X509_NAME *name, char out[SN_CERT_NAME]);

/* What is asked of a leaf beyond a valid chain. */
struct sn_cert_profile {
	unsigned keys; /* Set of enum sn_cert_keys. */
	int eku;       /* NID_client_auth or NID_server_auth. */
};

/**
 * sn_cert_check_leaf(leaf, issuer, profile, refusal):
 * Version 3; DER; serial positive; a signature of SHA-256 or better; subject not
 * empty; an allowed key; not a CA; keyUsage with digitalSignature and no
 * signing of certificates or CRLs; the extended usage itself and not
 * anyExtendedKeyUsage; no extension twice and no unknown critical one; an
 * authority key id; notBefore not after notAfter, and notAfter not beyond
 * that of ${issuer}.  SN_OK, or what ${refusal} says.
 */
enum sn_err sn_cert_check_leaf(X509 *leaf, X509 *issuer,
    const struct sn_cert_profile *profile,
    struct sn_cert_refusal *refusal) SN_MUST_USE;

/**
 * sn_cert_check_ca(cert, refusal):
 * What is asked of each CA above the leaf beyond what OpenSSL checks: an
 * allowed key and signature, a critical basicConstraints, a keyUsage with
 * keyCertSign, a subject key id, no extension twice.
 */
enum sn_err sn_cert_check_ca(
    X509 *cert, struct sn_cert_refusal *refusal) SN_MUST_USE;

#endif
