#include "ca/proof.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/x509v3.h>

#include "ca/der.h"
#include "ca/ssl.h"

#define P256_POINT 65 /* Uncompressed. */

/* AlgorithmIdentifiers, whole. */
static const uint8_t p256_key[] = { 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce,
	0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7 };
static const uint8_t extension_request[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
	1, 9, 14 };

static const struct {
	const char *key; /* Type of the key that it is for. */
	const EVP_MD *(*md)(void);
	uint8_t bytes[18];
	size_t n;
} algorithms[] = {
	{ "EC", EVP_sha256,
	    { 0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2 }, 12 },
	{ "EC", EVP_sha384,
	    { 0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3 }, 12 },
	{ "EC", EVP_sha512,
	    { 0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4 }, 12 },
	{ "RSA", EVP_sha256,
	    { 0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11, 5,
		0 },
	    15 },
	{ "RSA", EVP_sha384,
	    { 0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12, 5,
		0 },
	    15 },
	{ "RSA", EVP_sha512,
	    { 0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13, 5,
		0 },
	    15 },
	{ "ED25519", NULL, { 0x30, 5, 6, 3, 0x2b, 0x65, 0x70 }, 7 },
};

/* The parts of a request, in place. */
struct parts {
	struct der info, info_whole, subject, spki, attributes, algorithm,
	    signature;
};

static bool take_apart(struct sn_bytes bytes, struct parts *p)
{
	static const uint8_t v1[] = { 0 };
	struct der all = der_over(bytes.p, bytes.n);
	struct der request = der_take(&all, DER_SEQUENCE), peek = request;
	struct der info, version;

	p->info_whole = der_whole(&peek, DER_SEQUENCE);
	info = der_take(&request, DER_SEQUENCE);
	p->algorithm = der_whole(&request, DER_SEQUENCE);
	p->signature = der_take(&request, DER_BITS);
	version = der_take(&info, DER_INTEGER);
	p->subject = der_whole(&info, DER_SEQUENCE);
	p->spki = der_whole(&info, DER_SEQUENCE);
	p->attributes = der_over("", 0);
	/* RFC 2986 wants them even where there are none; some leave them out. */
	if (der_peek(&info) != 0)
		p->attributes = der_take(&info, DER_CONTEXT_IN(0));
	return (der_end(&all) && der_end(&request) && der_end(&info) &&
		der_is(&version, v1, sizeof(v1)) && p->signature.n > 1 &&
		p->signature.p[0] == 0);
}

/* A point on P-256, without OpenSSL's decoders, which are slow. */
static EVP_PKEY *p256(struct der point)
{
	char group[] = SN_X9_62_prime256v1;
	/* OpenSSL takes a non-const pointer and does not write through it. */
	union {
		const uint8_t *from;
		void *to;
	} u = { .from = point.p };
	OSSL_PARAM parts[] = {
		OSSL_PARAM_construct_utf8_string(
		    OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
		OSSL_PARAM_construct_octet_string(
		    OSSL_PKEY_PARAM_PUB_KEY, u.to, point.n),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;

	if (c == NULL || EVP_PKEY_fromdata_init(c) != 1 ||
	    EVP_PKEY_fromdata(c, &key, EVP_PKEY_PUBLIC_KEY, parts) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(c);
	return (key);
}

static EVP_PKEY *key_of(struct der spki)
{
	struct der in = spki, list = der_take(&in, DER_SEQUENCE);
	struct der algorithm = der_whole(&list, DER_SEQUENCE);
	struct der bits = der_take(&list, DER_BITS);
	const unsigned char *p = spki.p;
	EVP_PKEY *key;

	if (!der_end(&list) || bits.n < 2 || bits.p[0] != 0)
		return (NULL);
	if (der_is(&algorithm, p256_key, sizeof(p256_key)) &&
	    bits.n == 1 + P256_POINT)
		return (p256(der_over(bits.p + 1, bits.n - 1)));
	key = d2i_PUBKEY(NULL, &p, (long)spki.n);
	if (key != NULL && p != spki.p + spki.n) {
		EVP_PKEY_free(key);
		return (NULL);
	}
	return (key);
}

static enum sn_err verify(
    const struct parts *p, EVP_PKEY *key, struct sn_why *why)
{
	EVP_MD_CTX *c;
	size_t i = 0, n = sizeof(algorithms) / sizeof(algorithms[0]);
	bool ok;

	while (i < n &&
	       !der_is(&p->algorithm, algorithms[i].bytes, algorithms[i].n))
		i++;
	if (i == n || !EVP_PKEY_is_a(key, algorithms[i].key))
		return (sn_why(why, SN_ECERT,
		    "the CSR is not signed with ECDSA or RSA (PKCS #1) and "
		    "SHA-2, or with Ed25519; have it made anew"));
	c = EVP_MD_CTX_new();
	ok = c != NULL &&
	     EVP_DigestVerifyInit(c, NULL,
		 algorithms[i].md != NULL ? algorithms[i].md() : NULL, NULL,
		 key) == 1 &&
	     EVP_DigestVerify(c, p->signature.p + 1, p->signature.n - 1,
		 p->info_whole.p, p->info_whole.n) == 1;
	EVP_MD_CTX_free(c);
	if (ok)
		return (SN_OK);
	return (sn_why(why, SN_ECERT,
	    "the CSR's own signature is wrong: whoever made it does not prove "
	    "to hold its key"));
}

/* Attributes ::= SET OF SEQUENCE { type, SET OF value }; false: broken. */
static bool read_attributes(struct der list, STACK_OF(X509_EXTENSION) * *out)
{
	while (!list.bad && list.n > 0) {
		struct der one = der_take(&list, DER_SEQUENCE);
		struct der type = der_take(&one, DER_OID);
		struct der values = der_take(&one, DER_SET), value;
		const unsigned char *p;

		if (!der_end(&one))
			return (false);
		if (!der_is(
			&type, extension_request, sizeof(extension_request)))
			continue;
		value = der_whole(&values, DER_SEQUENCE);
		p = value.p;
		if (!der_end(&values) || *out != NULL ||
		    (*out = d2i_X509_EXTENSIONS(NULL, &p, (long)value.n)) ==
			NULL ||
		    p != value.p + value.n)
			return (false);
	}
	return (!list.bad);
}

enum sn_err proof_read(
    struct sn_bytes der, struct proof *out, struct sn_why *why)
{
	const unsigned char *name;
	struct parts p;
	enum sn_err err;

	memset(out, 0, sizeof(*out));
	ERR_clear_error();
	if (!take_apart(der, &p))
		return (sn_why(why, SN_ECERT,
		    "this is no certificate signing request (PKCS#10, PEM or "
		    "DER)"));
	if ((out->key = key_of(p.spki)) == NULL) {
		ERR_clear_error();
		return (sn_why(why, SN_ECERT,
		    "the CSR's public key cannot be read, or is of a type we "
		    "do not know"));
	}
	name = p.subject.p;
	if ((err = verify(&p, out->key, why)) == SN_OK &&
	    ((out->subject = d2i_X509_NAME(NULL, &name, (long)p.subject.n)) ==
		    NULL ||
		!read_attributes(p.attributes, &out->extensions)))
		err = sn_why(why, SN_ECERT,
		    "the CSR's subject or attributes cannot be read");
	ERR_clear_error();
	if (err != SN_OK)
		proof_clear(out);
	return (err);
}

void proof_clear(struct proof *proof)
{
	EVP_PKEY_free(proof->key);
	X509_NAME_free(proof->subject);
	sk_X509_EXTENSION_pop_free(proof->extensions, X509_EXTENSION_free);
	memset(proof, 0, sizeof(*proof));
}
