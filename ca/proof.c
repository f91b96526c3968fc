#include "ca/proof.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "ca/algorithm.h"

static const uint8_t extension_request[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
	1, 9, 14 };

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
	p->subject = der_take(&info, DER_SEQUENCE);
	p->spki = der_whole(&info, DER_SEQUENCE);
	p->attributes = der_over("", 0);
	/* RFC 2986 wants them even where there are none; some leave them out. */
	if (der_peek(&info) != 0)
		p->attributes = der_take(&info, DER_CONTEXT_IN(0));
	return (der_end(&all) && der_end(&request) && der_end(&info) &&
		der_is(&version, v1, sizeof(v1)) && p->signature.n > 1 &&
		p->signature.p[0] == 0);
}

static struct sn_bytes bytes_of(struct der d)
{
	return ((struct sn_bytes){ d.p, d.n });
}

static enum sn_err unreadable(struct sn_why *why)
{
	ERR_clear_error();
	return (sn_why(why, SN_ECERT,
	    "the CSR's public key cannot be read, or is of a type we do not "
	    "know"));
}

static enum sn_err verdict(bool ok, struct sn_why *why)
{
	ERR_clear_error();
	if (ok)
		return (SN_OK);
	return (sn_why(why, SN_ECERT,
	    "the CSR's own signature is wrong: whoever made it does not prove "
	    "to hold its key"));
}

/* The algorithm, where keys of a type can have used it. */
static enum sn_err find_algorithm(const struct parts *p, const char *key,
    const struct algorithm **out, struct sn_why *why)
{
	*out = algorithm_of(bytes_of(p->algorithm));
	if (*out != NULL && strcmp((*out)->key, key) == 0)
		return (SN_OK);
	return (sn_why(why, SN_ECERT,
	    "the CSR is not signed with ECDSA or RSA (PKCS #1) and SHA-2, or "
	    "with Ed25519; have it made anew"));
}

static struct sn_bytes signature_of(const struct parts *p)
{
	return ((struct sn_bytes){ p->signature.p + 1, p->signature.n - 1 });
}

/* What almost all have. */
static enum sn_err verify_p256(const struct parts *p, struct sn_bytes point,
    struct p256 *p256, struct spki *out, struct sn_why *why)
{
	const struct algorithm *algorithm;
	enum sn_err err;

	if (!p256_take(p256, point.p))
		return (unreadable(why));
	if ((err = find_algorithm(p, "EC", &algorithm, why)) != SN_OK)
		return (err);
	spki_p256(point.p, out);
	return (verdict(p256_verify(p256, algorithm->md(),
			    bytes_of(p->info_whole), signature_of(p)),
	    why));
}

static const char *type_of(EVP_PKEY *key)
{
	if (EVP_PKEY_is_a(key, "EC"))
		return ("EC");
	if (EVP_PKEY_is_a(key, "RSA"))
		return ("RSA");
	return (EVP_PKEY_is_a(key, "ED25519") ? "ED25519" : "");
}

static enum sn_err verify_with(
    const struct parts *p, EVP_PKEY *key, struct sn_why *why)
{
	struct sn_bytes signature = signature_of(p);
	const struct algorithm *algorithm;
	enum sn_err err;
	EVP_MD_CTX *c;
	bool ok;

	err = find_algorithm(p, type_of(key), &algorithm, why);
	if (err != SN_OK)
		return (err);
	c = EVP_MD_CTX_new();
	ok = c != NULL &&
	     EVP_DigestVerifyInit(c, NULL,
		 algorithm->md != NULL ? algorithm->md() : NULL, NULL,
		 key) == 1 &&
	     EVP_DigestVerify(c, signature.p, signature.n, p->info_whole.p,
		 p->info_whole.n) == 1;
	EVP_MD_CTX_free(c);
	return (verdict(ok, why));
}

static enum sn_err verify_other(
    const struct parts *p, struct spki *out, struct sn_why *why)
{
	const unsigned char *at = p->spki.p;
	EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)p->spki.n);
	enum sn_err err;

	if (key == NULL || at != p->spki.p + p->spki.n)
		err = unreadable(why);
	else if ((err = verify_with(p, key, why)) == SN_OK)
		err = spki_of(key, out, why);
	EVP_PKEY_free(key);
	return (err);
}

/* Attributes ::= SET OF SEQUENCE { type, SET OF value }; false: broken. */
static bool read_attributes(struct der list, struct der *out)
{
	*out = der_over("", 0);
	while (!list.bad && list.n > 0) {
		struct der one = der_take(&list, DER_SEQUENCE);
		struct der type = der_take(&one, DER_OID);
		struct der values = der_take(&one, DER_SET);

		if (!der_end(&one))
			return (false);
		if (!der_is(
			&type, extension_request, sizeof(extension_request)))
			continue;
		if (out->n > 0)
			return (false);
		*out = der_take(&values, DER_SEQUENCE);
		if (!der_end(&values) || out->n == 0)
			return (false);
	}
	return (!list.bad);
}

enum sn_err proof_read(struct sn_bytes der, struct p256 *p256,
    struct proof *out, struct sn_why *why)
{
	struct sn_bytes point;
	struct parts p;
	enum sn_err err;

	ERR_clear_error();
	if (!take_apart(der, &p))
		return (sn_why(why, SN_ECERT,
		    "this is no certificate signing request (PKCS#10, PEM or "
		    "DER)"));
	point = spki_point(bytes_of(p.spki));
	if (point.n > 0)
		err = verify_p256(&p, point, p256, &out->key, why);
	else
		err = verify_other(&p, &out->key, why);
	out->subject = p.subject;
	if (err == SN_OK && !read_attributes(p.attributes, &out->extensions))
		err = sn_why(
		    why, SN_ECERT, "the CSR's attributes cannot be read");
	return (err);
}
