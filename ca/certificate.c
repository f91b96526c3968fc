#include "ca/certificate.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "ca/ssl.h"

static bool add_ext(X509 *x, int nid, int critical, void *value)
{
	return (value != NULL && X509_add1_ext_i2d(x, nid, value, critical,
				     X509V3_ADD_DEFAULT) == 1);
}

static bool is_ca(const struct blueprint *b)
{
	return (b->kind == KIND_ROOT || b->kind == KIND_ISSUER);
}

static bool add_basic(X509 *x, const struct blueprint *b)
{
	BASIC_CONSTRAINTS *bc = BASIC_CONSTRAINTS_new();
	bool ok = bc != NULL;

	if (ok && is_ca(b)) {
		bc->ca = 0xff;
		bc->pathlen = ASN1_INTEGER_new();
		ok = bc->pathlen != NULL &&
		     ASN1_INTEGER_set(
			 bc->pathlen, b->kind == KIND_ROOT ? 1 : 0) == 1;
	}
	ok = ok && add_ext(x, NID_basic_constraints, 1, bc);
	BASIC_CONSTRAINTS_free(bc);
	return (ok);
}

/* Bits of RFC 5280, 4.2.1.3, by their numbers there. */
#define DIGITAL_SIGNATURE 0
#define KEY_CERT_SIGN 5
#define CRL_SIGN 6

static bool add_usage(X509 *x, const struct blueprint *b)
{
	ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
	bool ok = bits != NULL;

	if (ok && is_ca(b))
		ok = ASN1_BIT_STRING_set_bit(bits, KEY_CERT_SIGN, 1) == 1 &&
		     ASN1_BIT_STRING_set_bit(bits, CRL_SIGN, 1) == 1;
	else if (ok)
		ok = ASN1_BIT_STRING_set_bit(bits, DIGITAL_SIGNATURE, 1) == 1;
	ok = ok && add_ext(x, NID_key_usage, 1, bits);
	ASN1_BIT_STRING_free(bits);
	return (ok);
}

static bool push_nid(EXTENDED_KEY_USAGE *eku, int nid)
{
	return (sk_ASN1_OBJECT_push(eku, OBJ_nid2obj(nid)) > 0);
}

static bool add_extended_usage(X509 *x, const struct blueprint *b)
{
	EXTENDED_KEY_USAGE *eku;
	bool both = b->kind == KIND_ISSUER, ok;

	if (b->kind == KIND_ROOT)
		return (true);
	if ((eku = EXTENDED_KEY_USAGE_new()) == NULL)
		return (false);
	ok = true;
	if (both || b->profile->server_auth)
		ok = push_nid(eku, NID_server_auth);
	if (both || b->profile->client_auth)
		ok = ok && push_nid(eku, NID_client_auth);
	ok = ok && add_ext(x, NID_ext_key_usage, 0, eku);
	EXTENDED_KEY_USAGE_free(eku);
	return (ok);
}

/* RFC 7093 method 1 style: the hash of the public key's bits, cut to 20. */
static bool key_id(X509 *x, unsigned char out[20])
{
	unsigned char full[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (X509_pubkey_digest(x, EVP_sha256(), full, &n) != 1 || n < 20)
		return (false);
	memcpy(out, full, 20);
	return (true);
}

static bool add_subject_id(X509 *x)
{
	ASN1_OCTET_STRING *id = ASN1_OCTET_STRING_new();
	unsigned char bytes[20];
	bool ok;

	ok = id != NULL && key_id(x, bytes) &&
	     ASN1_OCTET_STRING_set(id, bytes, sizeof(bytes)) == 1 &&
	     add_ext(x, NID_subject_key_identifier, 0, id);
	ASN1_OCTET_STRING_free(id);
	return (ok);
}

/* Of the issuer, or of ${x} itself: what is not signed yet cannot be asked
 * for its extensions. */
static bool set_key_id(AUTHORITY_KEYID *aki, X509 *x, X509 *issuer)
{
	const ASN1_OCTET_STRING *id;
	unsigned char bytes[20];

	if (issuer != NULL) {
		id = X509_get0_subject_key_id(issuer);
		return (id != NULL &&
			(aki->keyid = ASN1_OCTET_STRING_dup(id)) != NULL);
	}
	return (key_id(x, bytes) &&
		(aki->keyid = ASN1_OCTET_STRING_new()) != NULL &&
		ASN1_OCTET_STRING_set(aki->keyid, bytes, sizeof(bytes)) == 1);
}

static bool add_issuer_id(X509 *x, X509 *issuer)
{
	AUTHORITY_KEYID *aki = AUTHORITY_KEYID_new();
	bool ok;

	ok = aki != NULL && set_key_id(aki, x, issuer) &&
	     add_ext(x, NID_authority_key_identifier, 0, aki);
	AUTHORITY_KEYID_free(aki);
	return (ok);
}

static GENERAL_NAME *general_name(const char *san)
{
	GENERAL_NAME *name = NULL;
	ASN1_IA5STRING *text;
	ASN1_OCTET_STRING *ip;
	int type = strncmp(san, "dns:", 4) == 0 ? GEN_DNS : GEN_URI;

	if (strncmp(san, "ip:", 3) == 0) {
		if ((name = GENERAL_NAME_new()) == NULL ||
		    (ip = a2i_IPADDRESS(san + 3)) == NULL) {
			GENERAL_NAME_free(name);
			return (NULL);
		}
		GENERAL_NAME_set0_value(name, GEN_IPADD, ip);
		return (name);
	}
	text = ASN1_IA5STRING_new();
	if (text == NULL || (name = GENERAL_NAME_new()) == NULL ||
	    ASN1_STRING_set(text, san + 4, -1) != 1) {
		ASN1_IA5STRING_free(text);
		GENERAL_NAME_free(name);
		return (NULL);
	}
	GENERAL_NAME_set0_value(name, type, text);
	return (name);
}

static bool add_sans(X509 *x, const struct blueprint *b)
{
	GENERAL_NAMES *names;
	bool ok;

	if (b->san_count == 0)
		return (true);
	if ((names = GENERAL_NAMES_new()) == NULL)
		return (false);
	ok = true;
	for (size_t i = 0; ok && i < b->san_count; i++) {
		GENERAL_NAME *name = general_name(b->sans[i]);

		ok = name != NULL && sk_GENERAL_NAME_push(names, name) > 0;
		if (!ok)
			GENERAL_NAME_free(name);
	}
	ok = ok && add_ext(x, NID_subject_alt_name, 0, names);
	GENERAL_NAMES_free(names);
	return (ok);
}

static bool add_text(X509_NAME *name, int nid, const char *text)
{
	return (X509_NAME_add_entry_by_NID(name, nid, V_ASN1_UTF8STRING,
		    (const unsigned char *)text, -1, -1, 0) == 1);
}

static bool set_names(X509 *x, const struct blueprint *b)
{
	X509_NAME *name = X509_NAME_new();
	bool ok;

	ok = name != NULL &&
	     add_text(name, NID_organizationName, b->organisation) &&
	     (b->common_name == NULL ||
		 add_text(name, NID_commonName, b->common_name)) &&
	     X509_set_subject_name(x, name) == 1 &&
	     X509_set_issuer_name(x,
		 b->issuer != NULL ? X509_get_subject_name(b->issuer) : name) ==
		 1;
	X509_NAME_free(name);
	return (ok);
}

static bool set_serial(X509 *x, const uint8_t *serial)
{
	BIGNUM *n = BN_bin2bn(serial, SERIAL_BYTES, NULL);
	bool ok;

	ok = n != NULL &&
	     BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL;
	BN_free(n);
	return (ok);
}

static bool set_times(X509 *x, const struct blueprint *b)
{
	/* ASN1_TIME_set takes UTCTime through 2049 by itself. */
	return (ASN1_TIME_set(X509_getm_notBefore(x), b->not_before) != NULL &&
		ASN1_TIME_set(X509_getm_notAfter(x), b->not_after) != NULL);
}

/* The key as it stands in the certificate, without OpenSSL's encoders: they
 * take ten times as long as the signature. */
static bool set_p256(X509 *x, EVP_PKEY *key)
{
	unsigned char *point = NULL;
	size_t n = EVP_PKEY_get1_encoded_public_key(key, &point);

	if (n == 0 || n > INT_MAX ||
	    X509_PUBKEY_set0_param(X509_get_X509_PUBKEY(x),
		OBJ_nid2obj(NID_X9_62_id_ecPublicKey), V_ASN1_OBJECT,
		OBJ_nid2obj(NID_X9_62_prime256v1), point, (int)n) != 1) {
		OPENSSL_free(point);
		return (false);
	}
	return (true);
}

static bool set_key(X509 *x, const struct blueprint *b)
{
	char group[32];
	size_t n;

	if (b->bytes_only && EVP_PKEY_is_a(b->key, "EC") &&
	    EVP_PKEY_get_group_name(b->key, group, sizeof(group), &n) == 1 &&
	    strcmp(group, SN_X9_62_prime256v1) == 0)
		return (set_p256(x, b->key));
	return (X509_set_pubkey(x, b->key) == 1);
}

enum sn_err certificate_make(const struct blueprint *b,
    const struct key *signer, X509 **out, struct sn_why *why)
{
	enum sn_err err;
	X509 *x;

	ERR_clear_error();
	x = X509_new();
	if (x == NULL || X509_set_version(x, X509_VERSION_3) != 1 ||
	    !set_serial(x, b->serial) || !set_names(x, b) || !set_times(x, b) ||
	    !set_key(x, b) || !add_basic(x, b) || !add_usage(x, b) ||
	    !add_extended_usage(x, b) || !add_subject_id(x) ||
	    !add_issuer_id(x, b->issuer) || !add_sans(x, b)) {
		X509_free(x);
		return (ssl_why(why, "cannot build the certificate"));
	}
	if ((err = key_sign_certificate(signer, x, why)) != SN_OK) {
		X509_free(x);
		return (err);
	}
	*out = x;
	return (SN_OK);
}

enum sn_err certificate_draft(
    const struct blueprint *b, X509 **out, struct sn_why *why)
{
	X509 *x;

	ERR_clear_error();
	x = X509_new();
	if (x == NULL || !set_names(x, b) || !add_sans(x, b)) {
		X509_free(x);
		return (ssl_why(why, "cannot build the certificate's names"));
	}
	*out = x;
	return (SN_OK);
}
