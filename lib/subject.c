#include "lib/subject.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "lib/tls_alert.h"

#define URN "urn:sichernetz:account:"
#define DEVICE ":device:"
#define BAD SN_ECERT, SN_TLS_ALERT_BAD_CERTIFICATE

static const char *const words[] = {
	[SN_SUBJECT_CN] = "cn",
	[SN_SUBJECT_DN] = "dn",
	[SN_SUBJECT_SAN_URI] = "san-uri",
};
#define WORDS (sizeof(words) / sizeof(*words))

enum sn_err sn_subject_rule(const char *word, enum sn_subject_rule *out)
{
	for (size_t i = 0; i < WORDS; i++) {
		if (words[i] != NULL && strcmp(words[i], word) == 0) {
			*out = (enum sn_subject_rule)i;
			return (SN_OK);
		}
	}
	return (SN_EINVAL);
}

const char *sn_subject_rule_word(enum sn_subject_rule rule)
{
	return (
	    (size_t)rule < WORDS && words[rule] != NULL ? words[rule] : "?");
}

/* What the alternative names say. */
struct uris {
	int count;
	int ours;                /* Of them, SicherNetz's. */
	struct sn_bytes first;   /* Points into the certificate's names. */
	struct sn_bytes account; /* Of ours. */
	struct sn_bytes label;   /* Of ours, or empty. */
};

static bool begins(struct sn_bytes text, const char *with)
{
	size_t n = strlen(with);

	return (text.n >= n && memcmp(text.p, with, n) == 0);
}

static struct sn_bytes skip(struct sn_bytes text, size_t n)
{
	return ((struct sn_bytes){ (const uint8_t *)text.p + n, text.n - n });
}

/* "urn:sichernetz:account:NAME[:device:LABEL]"; false when it is torn. */
static bool split_urn(struct sn_bytes urn, struct uris *out)
{
	struct sn_bytes rest = skip(urn, strlen(URN));
	const uint8_t *colon = rest.n > 0 ? memchr(rest.p, ':', rest.n) : NULL;

	out->account = rest;
	out->label = (struct sn_bytes){ NULL, 0 };
	if (colon != NULL) {
		out->account.n = (size_t)(colon - (const uint8_t *)rest.p);
		rest = skip(rest, out->account.n);
		if (!begins(rest, DEVICE))
			return (false);
		out->label = skip(rest, strlen(DEVICE));
		if (!sn_name_account(out->label))
			return (false);
	}
	return (sn_name_account(out->account));
}

static enum sn_err read_uris(
    const GENERAL_NAMES *names, struct uris *out, struct sn_cert_refusal *r)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		struct sn_bytes uri;

		if (name->type != GEN_URI)
			continue;
		uri.p = ASN1_STRING_get0_data(name->d.ia5);
		uri.n = (size_t)ASN1_STRING_length(name->d.ia5);
		if (out->count++ == 0)
			out->first = uri;
		if (!begins(uri, URN))
			continue;
		if (out->ours++ > 0)
			return (sn_cert_refuse(r, BAD, "two-accounts",
			    "the certificate names more than one account in "
			    "its alternative names"));
		if (!split_urn(uri, out))
			return (sn_cert_refuse(r, BAD, "bad-urn",
			    "the certificate's urn:sichernetz:account is not "
			    "written as it should be"));
	}
	return (SN_OK);
}

/* The only commonName, checked; *${out} is empty when there is none. */
static enum sn_err read_cn(
    const X509 *cert, struct sn_bytes *out, struct sn_cert_refusal *r)
{
	const X509_NAME *name = X509_get_subject_name(cert);
	int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
	const ASN1_STRING *value;

	*out = (struct sn_bytes){ NULL, 0 };
	if (at < 0)
		return (SN_OK);
	if (X509_NAME_get_index_by_NID(name, NID_commonName, at) >= 0)
		return (sn_cert_refuse(r, BAD, "two-names",
		    "the certificate's subject has more than one commonName"));
	value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
	if (ASN1_STRING_type(value) != V_ASN1_UTF8STRING &&
	    ASN1_STRING_type(value) != V_ASN1_PRINTABLESTRING)
		return (sn_cert_refuse(r, BAD, "name-encoding",
		    "the certificate's commonName is neither UTF8String nor "
		    "PrintableString"));
	out->p = ASN1_STRING_get0_data(value);
	out->n = (size_t)ASN1_STRING_length(value);
	return (SN_OK);
}

static enum sn_err put_key(struct sn_subject_key *key,
    enum sn_subject_rule rule, struct sn_bytes value)
{
	memset(key, 0, sizeof(*key));
	key->rule = rule;
	key->len = value.n;
	memcpy(key->bytes, value.p, value.n);
	return (SN_OK);
}

static enum sn_err key_of_cn(struct sn_bytes cn, const struct uris *uris,
    struct sn_subject_key *out, struct sn_cert_refusal *r)
{
	if (cn.n == 0)
		return (sn_cert_refuse(r, BAD, "no-name",
		    "the certificate's subject has no commonName"));
	if (!sn_name_account(cn))
		return (sn_cert_refuse(r, BAD, "bad-name",
		    "the certificate's commonName is not an account's name "
		    "(a-z, 0-9, '.', '_', '-', at most %d)",
		    SN_NAME_MAX));
	if (uris->ours > 0 && !sn_bytes_equal(cn, uris->account))
		return (sn_cert_refuse(r, BAD, SN_SUBJECT_CONTRADICTION,
		    "the certificate's commonName and its alternative name "
		    "are two different accounts"));
	return (put_key(out, SN_SUBJECT_CN, cn));
}

/* Whether a commonName, of however many and in whatever string type, reads
 * as the name of an account, and not of this one. */
static bool names_another(const X509 *cert, struct sn_bytes account)
{
	const X509_NAME *name = X509_get_subject_name(cert);
	bool another = false;
	int at = -1;

	while (!another && (at = X509_NAME_get_index_by_NID(
				name, NID_commonName, at)) >= 0) {
		unsigned char *text = NULL;
		int n = ASN1_STRING_to_UTF8(&text,
		    X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
		struct sn_bytes cn = { text, n > 0 ? (size_t)n : 0 };

		another = n > 0 && sn_name_account(cn) &&
			  !sn_bytes_equal(cn, account);
		OPENSSL_free(text);
	}
	return (another);
}

static enum sn_err key_of_uri(const X509 *cert, const struct uris *uris,
    struct sn_subject_key *out, struct sn_cert_refusal *r)
{
	const uint8_t *p = uris->first.p;

	if (uris->count != 1)
		return (sn_cert_refuse(r, BAD,
		    uris->count == 0 ? "no-uri" : "two-uris",
		    "the certificate has %d URIs among its alternative names, "
		    "and exactly one is needed",
		    uris->count));
	if (uris->ours > 0) {
		if (names_another(cert, uris->account))
			return (sn_cert_refuse(r, BAD, SN_SUBJECT_CONTRADICTION,
			    "the certificate's commonName and its alternative "
			    "name are two different accounts"));
		return (put_key(out, SN_SUBJECT_SAN_URI, uris->account));
	}
	if (uris->first.n == 0 || uris->first.n > SN_SUBJECT_KEY_MAX)
		return (sn_cert_refuse(r, BAD, "bad-uri",
		    "the certificate's URI is empty or longer than %d bytes",
		    SN_SUBJECT_KEY_MAX));
	/* Without a scheme it could pass for an account's bare name. */
	if (memchr(p, ':', uris->first.n) == NULL)
		return (sn_cert_refuse(r, BAD, "bad-uri",
		    "the certificate's URI has no scheme, as every URI has"));
	for (size_t i = 0; i < uris->first.n; i++) {
		if (p[i] <= 0x20 || p[i] >= 0x7f || p[i] == '*')
			return (sn_cert_refuse(r, BAD, "bad-uri",
			    "the certificate's URI has characters that no "
			    "URI has"));
	}
	return (put_key(out, SN_SUBJECT_SAN_URI, uris->first));
}

static enum sn_err digest_of(const X509 *cert,
    uint8_t digest[SN_SUBJECT_DIGEST], struct sn_cert_refusal *r)
{
	unsigned n = 0;

	if (!X509_NAME_digest(
		X509_get_subject_name(cert), EVP_sha256(), digest, &n))
		return (sn_cert_refuse(r, SN_ECRYPTO,
		    SN_TLS_ALERT_INTERNAL_ERROR, "internal",
		    "the certificate's subject cannot be digested"));
	return (SN_OK);
}

static enum sn_err key_of_dn(
    const X509 *cert, struct sn_subject_key *out, struct sn_cert_refusal *r)
{
	uint8_t digest[SN_SUBJECT_DIGEST];
	enum sn_err err;

	if ((err = digest_of(cert, digest, r)) != SN_OK)
		return (err);
	return (put_key(
	    out, SN_SUBJECT_DN, (struct sn_bytes){ digest, sizeof(digest) }));
}

static enum sn_err key_by_rule(X509 *cert, enum sn_subject_rule rule,
    const struct uris *uris, struct sn_subject_key *out,
    struct sn_cert_refusal *r)
{
	struct sn_bytes cn;
	enum sn_err err;

	if (rule == SN_SUBJECT_DN)
		return (key_of_dn(cert, out, r));
	/* Where the URI counts, a name of another kind beside it may be. */
	if (rule == SN_SUBJECT_SAN_URI)
		return (key_of_uri(cert, uris, out, r));
	err = read_cn(cert, &cn, r);
	return (err != SN_OK ? err : key_of_cn(cn, uris, out, r));
}

/* The alternative names, to be freed; *${out} is NULL without any. */
static enum sn_err read_names(
    const X509 *cert, GENERAL_NAMES **out, struct sn_cert_refusal *r)
{
	int state;

	*out = X509_get_ext_d2i(cert, NID_subject_alt_name, &state, NULL);
	/* -1: there is none; else it is there twice or cannot be read. */
	if (*out == NULL && state != -1)
		return (sn_cert_refuse(r, BAD, "extensions",
		    "the certificate's alternative names cannot be read"));
	return (SN_OK);
}

static void put_name(struct sn_bytes name, char out[SN_NAME_MAX + 1])
{
	if (name.n > 0)
		memcpy(out, name.p, name.n);
	out[name.n] = '\0';
}

enum sn_err sn_subject_key(X509 *cert, enum sn_subject_rule rule,
    struct sn_subject_key *out, char label[SN_NAME_MAX + 1],
    struct sn_cert_refusal *r)
{
	struct uris uris = { 0 };
	GENERAL_NAMES *names;
	enum sn_err err;

	label[0] = '\0';
	if ((err = read_names(cert, &names, r)) != SN_OK)
		return (err);
	if ((err = read_uris(names, &uris, r)) == SN_OK &&
	    (err = key_by_rule(cert, rule, &uris, out, r)) == SN_OK)
		put_name(uris.label, label);
	GENERAL_NAMES_free(names);
	return (err);
}

enum sn_err sn_subject_claim(X509 *cert, uint8_t digest[SN_SUBJECT_DIGEST],
    char account[SN_NAME_MAX + 1], char label[SN_NAME_MAX + 1],
    struct sn_cert_refusal *r)
{
	struct uris uris = { 0 };
	GENERAL_NAMES *names;
	enum sn_err err;

	account[0] = label[0] = '\0';
	if ((err = digest_of(cert, digest, r)) != SN_OK ||
	    (err = read_names(cert, &names, r)) != SN_OK)
		return (err);
	if ((err = read_uris(names, &uris, r)) == SN_OK) {
		put_name(uris.account, account);
		put_name(uris.label, label);
	}
	GENERAL_NAMES_free(names);
	return (err);
}
