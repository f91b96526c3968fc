#include "ca/certificate.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "ca/der.h"
#include "ca/encode.h"
#include "ca/ssl.h"

#define KEY_ID_BYTES 20

/* Everything is written from its end to its beginning (ca/encode.h), so
 * these functions read from the last line to the first. */

static bool is_ca(const struct blueprint *b)
{
	return (b->kind == KIND_ROOT || b->kind == KIND_ISSUER);
}

/* Makes an extension, 2.5.29.${id}, of what was put since ${behind}. */
static void extension(
    struct encode *e, uint8_t id, bool critical, const uint8_t *behind)
{
	const uint8_t oid[] = { 0x55, 0x1d, id }, yes[] = { 0xff };

	encode_head(e, DER_OCTETS, behind);
	if (critical)
		encode_element(e, DER_BOOLEAN, yes, sizeof(yes));
	encode_element(e, DER_OID, oid, sizeof(oid));
	encode_head(e, DER_SEQUENCE, behind);
}

static void basic_constraints(struct encode *e, const struct blueprint *b)
{
	static const uint8_t root[] = { DER_BOOLEAN, 1, 0xff, DER_INTEGER, 1,
		1 };
	static const uint8_t issuer[] = { DER_BOOLEAN, 1, 0xff, DER_INTEGER, 1,
		0 };
	const uint8_t *behind = e->at;

	if (b->kind == KIND_ROOT)
		encode_put(e, root, sizeof(root));
	else if (b->kind == KIND_ISSUER)
		encode_put(e, issuer, sizeof(issuer));
	encode_head(e, DER_SEQUENCE, behind);
	extension(e, 19, true, behind);
}

static void key_usage(struct encode *e, const struct blueprint *b)
{
	/* The number of unused bits, then bits from the left. */
	static const uint8_t signs_both[] = { 1, 0x06 }; /* Certs, CRLs. */
	static const uint8_t signature[] = { 7, 0x80 };
	const uint8_t *behind = e->at;

	encode_element(e, DER_BITS, is_ca(b) ? signs_both : signature, 2);
	extension(e, 15, true, behind);
}

static void extended_usage(struct encode *e, const struct blueprint *b)
{
	static const uint8_t server[] = { 0x2b, 6, 1, 5, 5, 7, 3, 1 };
	static const uint8_t client[] = { 0x2b, 6, 1, 5, 5, 7, 3, 2 };
	bool both = b->kind == KIND_ISSUER;
	const uint8_t *behind = e->at;

	if (b->kind == KIND_ROOT)
		return;
	if (both || b->profile->client_auth)
		encode_element(e, DER_OID, client, sizeof(client));
	if (both || b->profile->server_auth)
		encode_element(e, DER_OID, server, sizeof(server));
	encode_head(e, DER_SEQUENCE, behind);
	extension(e, 37, false, behind);
}

/* RFC 7093 method 1 style: the hash of the public key's bits, cut to 20. */
static void put_key_id(struct encode *e, const struct spki *key)
{
	struct sn_bytes bits = spki_bits((struct sn_bytes){ key->der, key->n });
	uint8_t full[FINGERPRINT_BYTES];

	if (bits.n == 0 || ssl_fingerprint(bits.p, bits.n, full) != SN_OK)
		e->bad = true;
	else
		encode_put(e, full, KEY_ID_BYTES);
}

static void subject_id(struct encode *e, const struct blueprint *b)
{
	const uint8_t *behind = e->at;

	put_key_id(e, b->key);
	encode_head(e, DER_OCTETS, behind);
	extension(e, 14, false, behind);
}

static void issuer_id(struct encode *e, const struct blueprint *b)
{
	const ASN1_OCTET_STRING *id = NULL;
	const uint8_t *behind = e->at;

	if (b->issuer == NULL)
		put_key_id(e, b->key);
	else if ((id = X509_get0_subject_key_id(b->issuer)) == NULL)
		e->bad = true;
	else
		encode_put(e, ASN1_STRING_get0_data(id),
		    (size_t)ASN1_STRING_length(id));
	encode_head(e, DER_CONTEXT(0), behind);
	encode_head(e, DER_SEQUENCE, behind);
	extension(e, 35, false, behind);
}

static void put_address(struct encode *e, const char *text)
{
	uint8_t address[sizeof(struct in6_addr)];

	if (inet_pton(AF_INET, text, address) == 1)
		encode_element(
		    e, DER_CONTEXT(7), address, sizeof(struct in_addr));
	else if (inet_pton(AF_INET6, text, address) == 1)
		encode_element(
		    e, DER_CONTEXT(7), address, sizeof(struct in6_addr));
	else
		e->bad = true;
}

static void put_sans(struct encode *e, const struct blueprint *b)
{
	const uint8_t *behind = e->at;

	for (size_t i = b->san_count; i-- > 0;) {
		const char *san = b->sans[i];

		if (strncmp(san, "ip:", 3) == 0)
			put_address(e, san + 3);
		else if (strncmp(san, "dns:", 4) == 0)
			encode_element(
			    e, DER_CONTEXT(2), san + 4, strlen(san + 4));
		else
			encode_element(
			    e, DER_CONTEXT(6), san + 4, strlen(san + 4));
	}
	encode_head(e, DER_SEQUENCE, behind);
}

static void alternative_names(struct encode *e, const struct blueprint *b)
{
	const uint8_t *behind = e->at;

	if (b->san_count == 0)
		return;
	put_sans(e, b);
	extension(e, 17, false, behind);
}

static void extensions(struct encode *e, const struct blueprint *b)
{
	const uint8_t *behind = e->at;

	alternative_names(e, b);
	issuer_id(e, b);
	subject_id(e, b);
	extended_usage(e, b);
	key_usage(e, b);
	basic_constraints(e, b);
	encode_head(e, DER_SEQUENCE, behind);
	encode_head(e, DER_CONTEXT_IN(3), behind);
}

/* One attribute, 2.5.4.${id}, alone in its RDN. */
static void attribute(struct encode *e, uint8_t id, const char *text)
{
	const uint8_t oid[] = { 0x55, 0x04, id };
	const uint8_t *behind = e->at;

	encode_element(e, DER_UTF8, text, strlen(text));
	encode_element(e, DER_OID, oid, sizeof(oid));
	encode_head(e, DER_SEQUENCE, behind);
	encode_head(e, DER_SET, behind);
}

static void subject(struct encode *e, const struct blueprint *b)
{
	const uint8_t *behind = e->at;

	if (b->common_name != NULL)
		attribute(e, 3, b->common_name);
	attribute(e, 10, b->organisation);
	encode_head(e, DER_SEQUENCE, behind);
}

static void issuer_name(struct encode *e, const struct blueprint *b)
{
	const unsigned char *p;
	size_t n;

	if (b->issuer == NULL)
		subject(e, b);
	else if (X509_NAME_get0_der(X509_get_subject_name(b->issuer), &p, &n) !=
		 1)
		e->bad = true;
	else
		encode_put(e, p, n);
}

static void validity(struct encode *e, const struct blueprint *b)
{
	const uint8_t *behind = e->at;

	encode_time(e, b->not_after);
	encode_time(e, b->not_before);
	encode_head(e, DER_SEQUENCE, behind);
}

/* Positive, and in the shortest form. */
static void put_serial(struct encode *e, const uint8_t *serial)
{
	const uint8_t *behind = e->at, zero = 0;
	size_t skip = 0;

	while (skip + 1 < SERIAL_BYTES && serial[skip] == 0)
		skip++;
	encode_put(e, serial + skip, SERIAL_BYTES - skip);
	if (serial[skip] >= 0x80)
		encode_put(e, &zero, 1);
	encode_head(e, DER_INTEGER, behind);
}

static void to_be_signed(struct encode *e, const struct blueprint *b,
    const struct algorithm *algorithm)
{
	static const uint8_t v3[] = { DER_CONTEXT_IN(0), 3, DER_INTEGER, 1, 2 };
	const uint8_t *behind = e->at;

	extensions(e, b);
	encode_put(e, b->key->der, b->key->n);
	subject(e, b);
	validity(e, b);
	issuer_name(e, b);
	encode_put(e, algorithm->bytes, algorithm->n);
	put_serial(e, b->serial);
	encode_put(e, v3, sizeof(v3));
	encode_head(e, DER_SEQUENCE, behind);
}

static enum sn_err sign(struct encode *e, struct sn_bytes tbs,
    const struct key *signer, struct sn_why *why)
{
	uint8_t signature[KEY_SIGNATURE_MAX], whole_bytes = 0;
	const struct algorithm *algorithm = key_algorithm(signer);
	const uint8_t *behind = e->at;
	size_t n;
	enum sn_err err;

	if ((err = key_sign(signer, tbs, signature, &n, why)) != SN_OK)
		return (err);
	encode_put(e, signature, n);
	encode_put(e, &whole_bytes, 1);
	encode_head(e, DER_BITS, behind);
	encode_put(e, algorithm->bytes, algorithm->n);
	encode_put(e, tbs.p, tbs.n);
	encode_head(e, DER_SEQUENCE, behind);
	return (SN_OK);
}

enum sn_err certificate_make(const struct blueprint *b,
    const struct key *signer, uint8_t **out, size_t *n, struct sn_why *why)
{
	uint8_t *room = malloc(2 * RECORD_DER_MAX);
	struct encode tbs, whole;
	struct sn_bytes done;
	enum sn_err err;

	if (room == NULL)
		return (sn_why(why, SN_ENOMEM, "out of memory"));
	tbs = encode_over(room, RECORD_DER_MAX);
	whole = encode_over(room + RECORD_DER_MAX, RECORD_DER_MAX);
	to_be_signed(&tbs, b, key_algorithm(signer));
	err = SN_OK;
	if (!tbs.bad)
		err = sign(&whole, encode_done(&tbs), signer, why);
	if (err == SN_OK && (tbs.bad || whole.bad))
		err = sn_why(why, SN_ETOOBIG,
		    "the certificate's names and key do not fit %d bytes",
		    RECORD_DER_MAX);
	done = encode_done(&whole);
	if (err == SN_OK && (*out = malloc(done.n)) == NULL)
		err = sn_why(why, SN_ENOMEM, "out of memory");
	if (err == SN_OK) {
		memcpy(*out, done.p, done.n);
		*n = done.n;
	}
	free(room);
	return (err);
}

static bool set_subject(X509 *x, struct sn_bytes der)
{
	const unsigned char *p = der.p;
	X509_NAME *name = d2i_X509_NAME(NULL, &p, (long)der.n);
	bool ok = name != NULL && X509_set_subject_name(x, name) == 1;

	X509_NAME_free(name);
	return (ok);
}

static bool set_sans(X509 *x, struct sn_bytes der)
{
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *extension = NULL;
	bool ok;

	ok = value != NULL &&
	     ASN1_OCTET_STRING_set(value, der.p, (int)der.n) == 1 &&
	     (extension = X509_EXTENSION_create_by_NID(
		  NULL, NID_subject_alt_name, 0, value)) != NULL &&
	     X509_add_ext(x, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(value);
	return (ok);
}

enum sn_err certificate_draft(
    const struct blueprint *b, X509 **out, struct sn_why *why)
{
	uint8_t *room = malloc(2 * RECORD_DER_MAX);
	X509 *x = X509_new();
	struct encode name, sans;

	ERR_clear_error();
	if (room == NULL || x == NULL)
		goto err0;
	name = encode_over(room, RECORD_DER_MAX);
	sans = encode_over(room + RECORD_DER_MAX, RECORD_DER_MAX);
	subject(&name, b);
	put_sans(&sans, b);
	if (name.bad || sans.bad || !set_subject(x, encode_done(&name)) ||
	    (b->san_count > 0 && !set_sans(x, encode_done(&sans))))
		goto err0;
	free(room);
	*out = x;
	return (SN_OK);
err0:
	X509_free(x);
	free(room);
	return (ssl_why(why, "cannot build the certificate's names"));
}

struct sn_bytes certificate_spki(struct sn_bytes der)
{
	struct der all = der_over(der.p, der.n);
	struct der x = der_take(&all, DER_SEQUENCE);
	struct der tbs = der_take(&x, DER_SEQUENCE), spki;

	(void)der_take(&tbs, DER_CONTEXT_IN(0)); /* Version. */
	(void)der_take(&tbs, DER_INTEGER);       /* Serial. */
	(void)der_take(&tbs, DER_SEQUENCE);      /* Algorithm. */
	(void)der_take(&tbs, DER_SEQUENCE);      /* Issuer. */
	(void)der_take(&tbs, DER_SEQUENCE);      /* Validity. */
	(void)der_take(&tbs, DER_SEQUENCE);      /* Subject. */
	spki = der_whole(&tbs, DER_SEQUENCE);
	return ((struct sn_bytes){ spki.p, spki.bad ? 0 : spki.n });
}
