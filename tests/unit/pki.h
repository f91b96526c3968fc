#ifndef TESTS_UNIT_PKI_H
#define TESTS_UNIT_PKI_H

/* A small authority in memory, for tests: good certificates and bad ones. */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "lib/bytes.h"

#define PKI_UNUSED __attribute__((unused))
#define PKI_DAY 86400L
#define PKI_EXTS 8

struct pki {
	X509 *cert;
	EVP_PKEY *key;
};

/* All zero but ${cn} makes a client's certificate; ${ext} replaces by name. */
struct pki_spec {
	const char *cn;
	long from, until; /* Seconds from now; both 0: -60 and a day. */
	const char *ext[PKI_EXTS][2]; /* Value NULL: left out. */
	const char *curve;            /* NULL: P-256. */
	EVP_PKEY *key;                /* Instead of a new one; not taken. */
	const EVP_MD *digest;         /* NULL: SHA-256. */
	long serial;                  /* 0: a new one. */
	int version2;
};

static void pki_ext(X509 *cert, X509 *issuer, const char *n, const char *v)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	e = X509V3_EXT_conf(NULL, &ctx, n, v);
	assert(e != NULL);
	assert(X509_add_ext(cert, e, -1));
	X509_EXTENSION_free(e);
}

static const char *const pki_leaf_ext[][2] = {
	{ "basicConstraints", "critical,CA:FALSE" },
	{ "keyUsage", "critical,digitalSignature" },
	{ "extendedKeyUsage", "clientAuth" },
	{ "subjectKeyIdentifier", "hash" },
	{ "authorityKeyIdentifier", "keyid:always" },
	{ NULL, NULL },
};

static const char *const pki_ca_ext[][2] = {
	{ "basicConstraints", "critical,CA:TRUE" },
	{ "keyUsage", "critical,keyCertSign,cRLSign" },
	{ "subjectKeyIdentifier", "hash" },
	{ "authorityKeyIdentifier", "keyid:always" },
	{ NULL, NULL },
};

static void pki_exts(X509 *cert, X509 *issuer, const char *const base[][2],
    const struct pki_spec *spec)
{
	for (size_t i = 0; base[i][0] != NULL; i++) {
		const char *value = base[i][1];

		for (size_t j = 0; j < PKI_EXTS && spec->ext[j][0]; j++) {
			if (strcmp(spec->ext[j][0], base[i][0]) == 0)
				value = NULL;
		}
		if (value != NULL)
			pki_ext(cert, issuer, base[i][0], value);
	}
	for (size_t j = 0; j < PKI_EXTS && spec->ext[j][0] != NULL; j++) {
		if (spec->ext[j][1] != NULL)
			pki_ext(cert, issuer, spec->ext[j][0], spec->ext[j][1]);
	}
}

static struct pki pki_make(const struct pki *issuer,
    const char *const base[][2], const struct pki_spec *spec)
{
	static long serial = 1000;
	int dated = spec->from != 0 || spec->until != 0;
	struct pki made = { X509_new(), spec->key };
	X509 *c = made.cert;

	if (made.key != NULL)
		EVP_PKEY_up_ref(made.key);
	else
		made.key = EVP_EC_gen(spec->curve ? spec->curve : "P-256");
	assert(c != NULL && made.key != NULL);
	X509_set_version(c, spec->version2 ? 1 : 2);
	ASN1_INTEGER_set(X509_get_serialNumber(c),
	    spec->serial != 0 ? spec->serial : serial++);
	X509_gmtime_adj(X509_getm_notBefore(c), dated ? spec->from : -60);
	X509_gmtime_adj(X509_getm_notAfter(c), dated ? spec->until : PKI_DAY);
	if (spec->cn != NULL)
		X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN",
		    MBSTRING_UTF8, (const unsigned char *)spec->cn, -1, -1, 0);
	X509_set_issuer_name(
	    c, X509_get_subject_name(issuer ? issuer->cert : c));
	X509_set_pubkey(c, made.key);
	pki_exts(c, issuer ? issuer->cert : c, base, spec);
	assert(X509_sign(c, issuer ? issuer->key : made.key,
	    spec->digest ? spec->digest : EVP_sha256()));
	return (made);
}

PKI_UNUSED static struct pki pki_ca(const struct pki *issuer, const char *cn)
{
	struct pki_spec spec = { .cn = cn, .from = -60, .until = 9 * PKI_DAY };

	return (pki_make(issuer, pki_ca_ext, &spec));
}

PKI_UNUSED static struct pki pki_leaf(
    const struct pki *issuer, const struct pki_spec *spec)
{
	return (pki_make(issuer, pki_leaf_ext, spec));
}

PKI_UNUSED static struct pki pki_client(
    const struct pki *issuer, const char *cn)
{
	struct pki_spec spec = { .cn = cn };

	return (pki_leaf(issuer, &spec));
}

PKI_UNUSED static struct pki pki_server(
    const struct pki *issuer, const char *names)
{
	struct pki_spec spec = { .cn = "server",
		.ext = { { "extendedKeyUsage", "serverAuth" },
		    { "subjectAltName", names } } };

	return (pki_leaf(issuer, &spec));
}

PKI_UNUSED static void pki_free(struct pki *p)
{
	X509_free(p->cert);
	EVP_PKEY_free(p->key);
	memset(p, 0, sizeof(*p));
}

static struct sn_bytes pki_take(BIO *mem)
{
	struct sn_bytes out = { 0 };
	char *p;
	long n = BIO_get_mem_data(mem, &p);
	char *copy = malloc((size_t)n + 1);

	assert(copy != NULL);
	memcpy(copy, p, (size_t)n);
	copy[n] = '\0';
	BIO_free(mem);
	out.p = copy;
	out.n = (size_t)n;
	return (out);
}

/* PEM of one or two certificates; free((void *)it.p). */
PKI_UNUSED static struct sn_bytes pki_pem(const X509 *a, const X509 *b)
{
	BIO *mem = BIO_new(BIO_s_mem());

	assert(mem != NULL && PEM_write_bio_X509(mem, a));
	assert(b == NULL || PEM_write_bio_X509(mem, b));
	return (pki_take(mem));
}

PKI_UNUSED static struct sn_bytes pki_key_pem(
    EVP_PKEY *key, const char *passphrase)
{
	BIO *mem = BIO_new(BIO_s_mem());

	assert(mem != NULL &&
	       PEM_write_bio_PKCS8PrivateKey(mem, key,
		   passphrase ? EVP_aes_256_cbc() : NULL, passphrase,
		   passphrase ? (int)strlen(passphrase) : 0, NULL, NULL));
	return (pki_take(mem));
}

struct pki_list {
	long number;      /* 0: no number at all. */
	long from, until; /* Seconds from now; both 0: -60 and a week. */
	long serials[8];  /* Up to the first 0. */
	const EVP_MD *digest;
	const char *ext[2]; /* One more extension. */
	int version1, endless, der;
	int odd_entries; /* Each with an unknown critical extension. */
};

static X509_CRL *pki_build_crl(
    const struct pki *issuer, const struct pki_list *list)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *from = ASN1_TIME_new(), *until = ASN1_TIME_new();
	int dated = list->from != 0 || list->until != 0;
	ASN1_INTEGER *n = ASN1_INTEGER_new();
	X509V3_CTX ctx;

	assert(crl != NULL && from != NULL && until != NULL && n != NULL);
	X509_CRL_set_version(crl, list->version1 ? 0 : 1);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->cert));
	X509_gmtime_adj(from, dated ? list->from : -600);
	X509_gmtime_adj(until, dated ? list->until : 7 * PKI_DAY);
	X509_CRL_set1_lastUpdate(crl, from);
	if (!list->endless)
		X509_CRL_set1_nextUpdate(crl, until);
	for (size_t i = 0; i < 8 && list->serials[i] != 0; i++) {
		X509_REVOKED *r = X509_REVOKED_new();

		ASN1_INTEGER_set(n, list->serials[i]);
		X509_REVOKED_set_serialNumber(r, n);
		X509_REVOKED_set_revocationDate(r, from);
		if (list->odd_entries) {
			X509_EXTENSION *e = X509V3_EXT_conf(
			    NULL, NULL, "1.2.3.4", "critical,DER:0500");

			assert(e != NULL && X509_REVOKED_add_ext(r, e, -1));
			X509_EXTENSION_free(e);
		}
		X509_CRL_add0_revoked(crl, r);
	}
	if (list->number != 0) {
		ASN1_INTEGER_set(n, list->number);
		X509_CRL_add1_ext_i2d(crl, NID_crl_number, n, 0, 0);
	}
	X509V3_set_ctx(&ctx, issuer->cert, NULL, NULL, crl, 0);
	if (list->ext[0] != NULL) {
		X509_EXTENSION *e =
		    X509V3_EXT_conf(NULL, &ctx, list->ext[0], list->ext[1]);

		assert(e != NULL && X509_CRL_add_ext(crl, e, -1));
		X509_EXTENSION_free(e);
	}
	X509_CRL_sort(crl);
	assert(X509_CRL_sign(crl, issuer->key,
	    list->digest != NULL ? list->digest : EVP_sha256()));
	ASN1_TIME_free(from);
	ASN1_TIME_free(until);
	ASN1_INTEGER_free(n);
	return (crl);
}

/* A revocation list in PEM, or DER; free((void *)it.p). */
PKI_UNUSED static struct sn_bytes pki_crl(
    const struct pki *issuer, const struct pki_list *list)
{
	X509_CRL *crl = pki_build_crl(issuer, list);
	BIO *mem = BIO_new(BIO_s_mem());

	assert(mem != NULL);
	assert(list->der ? i2d_X509_CRL_bio(mem, crl)
			 : PEM_write_bio_X509_CRL(mem, crl));
	X509_CRL_free(crl);
	return (pki_take(mem));
}

/* Two texts, one behind the other; takes both. */
PKI_UNUSED static struct sn_bytes pki_join(struct sn_bytes a, struct sn_bytes b)
{
	BIO *mem = BIO_new(BIO_s_mem());

	assert(mem != NULL && BIO_write(mem, a.p, (int)a.n) == (int)a.n &&
	       BIO_write(mem, b.p, (int)b.n) == (int)b.n);
	free((void *)(uintptr_t)a.p);
	free((void *)(uintptr_t)b.p);
	return (pki_take(mem));
}

PKI_UNUSED static void pki_drop(struct sn_bytes *b)
{
	free((void *)(uintptr_t)b->p);
	b->p = NULL;
	b->n = 0;
}

#endif
