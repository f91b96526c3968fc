#include "lib/cert.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "lib/clock.h"
#include "lib/tls_alert.h"

#define EXTENSIONS_MAX 32
#define RSA_BITS_MAX 8192

#define BAD SN_ECERT, SN_TLS_ALERT_BAD_CERTIFICATE
#define UNSUPPORTED SN_ECERT, SN_TLS_ALERT_UNSUPPORTED_CERTIFICATE

static enum sn_err check_form(X509 *cert, struct sn_cert_refusal *r)
{
	uint8_t serial[SN_CERT_SERIAL];

	if (X509_get_version(cert) != X509_VERSION_3)
		return (sn_cert_refuse(r, BAD, "version",
		    "the certificate is X.509 version %ld, and 3 is required",
		    X509_get_version(cert) + 1));
	if (sn_cert_serial(X509_get0_serialNumber(cert), serial) != SN_OK)
		return (sn_cert_refuse(r, BAD, "serial",
		    "the certificate's serial number is zero, negative or "
		    "longer than 20 octets"));
	if (X509_NAME_entry_count(X509_get_subject_name(cert)) == 0)
		return (sn_cert_refuse(r, BAD, "no-subject",
		    "the certificate has an empty subject"));
	return (SN_OK);
}

/*
 * DER has one way to write a certificate; OpenSSL reads others as well.  What
 * is written again from what was read must be what was signed.  The
 * certificate itself is written again, not a copy: reading one costs more
 * than everything else that is asked of it here.  Where both are the same
 * nothing has changed, and where they are not it is refused.
 */
static int is_der(X509 *cert)
{
	unsigned char *was = NULL, *again = NULL;
	int n = i2d_X509(cert, &was), m = -1;
	int same;

	if (n > 0 && i2d_re_X509_tbs(cert, NULL) > 0)
		m = i2d_X509(cert, &again);
	same = n > 0 && m == n && memcmp(was, again, (size_t)n) == 0;
	OPENSSL_free(was);
	OPENSSL_free(again);
	return (same);
}

static enum sn_err check_encoding(X509 *cert, struct sn_cert_refusal *r)
{
	if (is_der(cert))
		return (SN_OK);
	return (sn_cert_refuse(
	    r, BAD, "encoding", "the certificate is not written in DER"));
}

static enum sn_err check_signature(X509 *cert, struct sn_cert_refusal *r)
{
	int digest = NID_undef, key = NID_undef;

	if (X509_get_signature_info(cert, &digest, &key, NULL, NULL) &&
	    (digest == NID_sha256 || digest == NID_sha384 ||
		digest == NID_sha512 || key == NID_ED25519))
		return (SN_OK);
	return (sn_cert_refuse(r, BAD, "weak-signature",
	    "the certificate is signed with %s, and SHA-256, SHA-384, SHA-512 "
	    "or Ed25519 is required",
	    OBJ_nid2ln(X509_get_signature_nid(cert))));
}

static unsigned ec_kind(const EVP_PKEY *key)
{
	char group[32] = "";
	size_t n;
	int explicit = 0;

	/* A curve written out may be another one under a known name. */
	(void)EVP_PKEY_get_int_param(
	    key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &explicit);
	if (explicit || !EVP_PKEY_get_group_name(key, group, sizeof(group), &n))
		return (0);
	if (strcmp(group, SN_X9_62_prime256v1) == 0)
		return (SN_CERT_P256);
	return (strcmp(group, SN_secp384r1) == 0 ? SN_CERT_P384 : 0);
}

static unsigned rsa_kind(const EVP_PKEY *key)
{
	int bits = EVP_PKEY_get_bits(key);
	BIGNUM *e = NULL;
	int small;

	if (!EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e))
		return (0);
	small = BN_num_bits(e) < 17 || !BN_is_odd(e);
	BN_free(e);
	if (small || bits < 2048 || bits > RSA_BITS_MAX)
		return (0);
	return (
	    bits < 3072 ? SN_CERT_RSA2048 : SN_CERT_RSA2048 | SN_CERT_RSA3072);
}

/* The bits of the sets that allow this key; none for a key nobody should use. */
static unsigned key_kind(const EVP_PKEY *key)
{
	if (key == NULL)
		return (0);
	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_EC:
		return (ec_kind(key));
	case EVP_PKEY_ED25519:
		return (SN_CERT_ED25519);
	case EVP_PKEY_RSA:
		return (rsa_kind(key));
	default:
		return (0);
	}
}

static enum sn_err check_key(
    X509 *cert, unsigned allowed, struct sn_cert_refusal *r)
{
	EVP_PKEY *key = X509_get0_pubkey(cert);

	if ((key_kind(key) & allowed) != 0)
		return (SN_OK);
	return (sn_cert_refuse(r, BAD, "key",
	    "the certificate's key (%s, %d bits) is not of an allowed type "
	    "and size",
	    key != NULL ? OBJ_nid2sn(EVP_PKEY_get_base_id(key)) : "unreadable",
	    key != NULL ? EVP_PKEY_get_bits(key) : 0));
}

static enum sn_err check_extensions(X509 *cert, struct sn_cert_refusal *r)
{
	int n = X509_get_ext_count(cert);

	if (n > EXTENSIONS_MAX)
		return (sn_cert_refuse(r, BAD, "extensions",
		    "the certificate has %d extensions, more than %d", n,
		    EXTENSIONS_MAX));
	for (int i = 0; i < n; i++) {
		const ASN1_OBJECT *what =
		    X509_EXTENSION_get_object(X509_get_ext(cert, i));

		if (X509_get_ext_by_OBJ(cert, what, i) >= 0)
			return (sn_cert_refuse(r, BAD, "twice",
			    "the certificate has an extension twice"));
	}
	if ((X509_get_extension_flags(cert) & EXFLAG_CRITICAL) != 0)
		return (sn_cert_refuse(r, UNSUPPORTED, "critical",
		    "the certificate has a critical extension that is not "
		    "known here"));
	if ((X509_get_extension_flags(cert) & EXFLAG_INVALID) != 0)
		return (sn_cert_refuse(r, BAD, "extensions",
		    "an extension of the certificate cannot be read"));
	return (SN_OK);
}

static enum sn_err check_not_ca(X509 *cert, struct sn_cert_refusal *r)
{
	if ((X509_get_extension_flags(cert) & (EXFLAG_CA | EXFLAG_PROXY)) == 0)
		return (SN_OK);
	return (sn_cert_refuse(r, UNSUPPORTED, "is-ca",
	    "the certificate is one of an authority or a proxy, not of a "
	    "device"));
}

static enum sn_err check_key_usage(X509 *cert, struct sn_cert_refusal *r)
{
	uint32_t usage = X509_get_key_usage(cert);

	if (usage == UINT32_MAX || (usage & KU_DIGITAL_SIGNATURE) == 0)
		return (sn_cert_refuse(r, UNSUPPORTED, "no-digital-signature",
		    "the certificate's keyUsage does not allow "
		    "digitalSignature"));
	if ((usage & (KU_KEY_CERT_SIGN | KU_CRL_SIGN)) != 0)
		return (sn_cert_refuse(r, UNSUPPORTED, "signs-certificates",
		    "the certificate's keyUsage allows to sign certificates "
		    "or CRLs"));
	return (SN_OK);
}

static enum sn_err check_extended_usage(
    X509 *cert, int eku, struct sn_cert_refusal *r)
{
	uint32_t usage = X509_get_extended_key_usage(cert);
	int client = eku == NID_client_auth;

	if (usage == UINT32_MAX ||
	    (usage & (client ? XKU_SSL_CLIENT : XKU_SSL_SERVER)) == 0)
		return (sn_cert_refuse(r, UNSUPPORTED,
		    client ? "no-client-auth" : "no-server-auth",
		    "the certificate's extended key usage does not name %s",
		    client ? "clientAuth" : "serverAuth"));
	if ((usage & XKU_ANYEKU) != 0)
		return (sn_cert_refuse(r, UNSUPPORTED, "any-usage",
		    "the certificate's extended key usage allows anything"));
	return (SN_OK);
}

static enum sn_err check_validity(
    X509 *cert, X509 *issuer, struct sn_cert_refusal *r)
{
	int64_t from, until, last;
	char a[SN_CLOCK_TEXT], b[SN_CLOCK_TEXT];

	if (sn_cert_time(X509_get0_notBefore(cert), &from) != SN_OK ||
	    sn_cert_time(X509_get0_notAfter(cert), &until) != SN_OK ||
	    sn_cert_time(X509_get0_notAfter(issuer), &last) != SN_OK)
		return (sn_cert_refuse(r, BAD, "time",
		    "the certificate's validity is not written as RFC 5280 "
		    "asks"));
	if (from > until)
		return (sn_cert_refuse(r, BAD, "inverted",
		    "the certificate ends (%s) before it begins (%s)",
		    sn_clock_rfc3339(until, a), sn_clock_rfc3339(from, b)));
	if (until > last)
		return (sn_cert_refuse(r, BAD, "outlives-issuer",
		    "the certificate is valid until %s, longer than its "
		    "issuer (%s)",
		    sn_clock_rfc3339(until, a), sn_clock_rfc3339(last, b)));
	return (SN_OK);
}

static enum sn_err check_authority_key(X509 *cert, struct sn_cert_refusal *r)
{
	if (X509_get0_authority_key_id(cert) != NULL)
		return (SN_OK);
	return (sn_cert_refuse(r, BAD, "no-authority-key",
	    "the certificate does not name its issuer's key "
	    "(authorityKeyIdentifier)"));
}

enum sn_err sn_cert_check_leaf(X509 *leaf, X509 *issuer,
    const struct sn_cert_profile *profile, struct sn_cert_refusal *r)
{
	enum sn_err err;

	if ((err = check_form(leaf, r)) != SN_OK ||
	    (err = check_encoding(leaf, r)) != SN_OK ||
	    (err = check_signature(leaf, r)) != SN_OK ||
	    (err = check_key(leaf, profile->keys, r)) != SN_OK ||
	    (err = check_extensions(leaf, r)) != SN_OK ||
	    (err = check_not_ca(leaf, r)) != SN_OK ||
	    (err = check_key_usage(leaf, r)) != SN_OK ||
	    (err = check_extended_usage(leaf, profile->eku, r)) != SN_OK ||
	    (err = check_authority_key(leaf, r)) != SN_OK ||
	    (err = check_validity(leaf, issuer, r)) != SN_OK)
		return (err);
	return (SN_OK);
}

static int is_critical(X509 *cert, int nid)
{
	int at = X509_get_ext_by_NID(cert, nid, -1);

	return (at >= 0 && X509_EXTENSION_get_critical(X509_get_ext(cert, at)));
}

enum sn_err sn_cert_check_ca(X509 *cert, struct sn_cert_refusal *r)
{
	enum sn_err err;

	if ((err = check_form(cert, r)) != SN_OK ||
	    (err = check_signature(cert, r)) != SN_OK ||
	    (err = check_key(cert, ~0U, r)) != SN_OK ||
	    (err = check_extensions(cert, r)) != SN_OK)
		return (err);
	if ((X509_get_extension_flags(cert) & EXFLAG_CA) == 0 ||
	    !is_critical(cert, NID_basic_constraints))
		return (sn_cert_refuse(r, UNSUPPORTED, "not-ca",
		    "an issuer in the chain is not an authority (critical "
		    "basicConstraints)"));
	if (X509_get_key_usage(cert) == UINT32_MAX ||
	    (X509_get_key_usage(cert) & KU_KEY_CERT_SIGN) == 0)
		return (sn_cert_refuse(r, UNSUPPORTED, "no-cert-sign",
		    "an issuer in the chain may not sign certificates "
		    "(keyUsage)"));
	if (X509_get0_subject_key_id(cert) == NULL)
		return (sn_cert_refuse(r, BAD, "no-subject-key",
		    "an issuer in the chain has no subjectKeyIdentifier"));
	return (SN_OK);
}
