#include "ca/path.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "ca/der.h"
#include "ca/ssl.h"
#include "lib/file.h"

#define CERTIFICATES_MAX (4U << 20)
#define LISTS_MAX (64U << 20)
#define LEVEL 2 /* 112 bits: RSA from 2048, no SHA-1. */

enum sn_err path_init(struct path *p)
{
	memset(p, 0, sizeof(*p));
	p->purpose = -1;
	p->trusted = sk_X509_new_null();
	p->others = sk_X509_new_null();
	p->lists = sk_X509_CRL_new_null();
	if (p->trusted == NULL || p->others == NULL || p->lists == NULL)
		return (SN_ENOMEM);
	return (SN_OK);
}

void path_clear(struct path *p)
{
	sk_X509_pop_free(p->trusted, X509_free);
	sk_X509_pop_free(p->others, X509_free);
	sk_X509_CRL_pop_free(p->lists, X509_CRL_free);
	sk_ASN1_OBJECT_pop_free(p->policies, ASN1_OBJECT_free);
	memset(p, 0, sizeof(*p));
}

/* Takes one thing out of a PEM file and appends it; false at the end. */
typedef bool take_fn(BIO *bio, void *to);
/* The same of a DER file. */
typedef bool decode_fn(struct sn_bytes der, void *to);

static bool push_certificate(void *to, X509 *x)
{
	if (x != NULL && sk_X509_push(to, x) > 0)
		return (true);
	X509_free(x);
	return (false);
}

static bool take_certificate(BIO *bio, void *to)
{
	return (push_certificate(
	    to, PEM_read_bio_X509(bio, NULL, ssl_no_passphrase, NULL)));
}

static bool decode_certificate(struct sn_bytes der, void *to)
{
	X509 *x;

	return (
	    ssl_certificate(der, &x, NULL) == SN_OK && push_certificate(to, x));
}

static bool push_list(void *to, X509_CRL *crl)
{
	if (crl != NULL && sk_X509_CRL_push(to, crl) > 0)
		return (true);
	X509_CRL_free(crl);
	return (false);
}

static bool take_list(BIO *bio, void *to)
{
	return (push_list(
	    to, PEM_read_bio_X509_CRL(bio, NULL, ssl_no_passphrase, NULL)));
}

static bool decode_list(struct sn_bytes der, void *to)
{
	const unsigned char *p = der.p;

	return (push_list(to, d2i_X509_CRL(NULL, &p, (long)der.n)) &&
		p == (const unsigned char *)der.p + der.n);
}

static enum sn_err add(void *to, const char *file, size_t max, take_fn *take,
    decode_fn *decode, const char *what, struct sn_why *why)
{
	bool any = false, whole = true;
	char *text;
	size_t n;
	BIO *bio;
	enum sn_err err;

	if ((err = sn_file_read(file, max, &text, &n, why)) != SN_OK)
		return (err);
	if (n > 0 && (unsigned char)text[0] == DER_SEQUENCE) {
		any = decode((struct sn_bytes){ text, n }, to);
	} else if ((bio = BIO_new_mem_buf(text, (int)n)) != NULL) {
		ERR_clear_error();
		while (take(bio, to))
			any = true;
		whole = ERR_GET_REASON(ERR_peek_last_error()) ==
			PEM_R_NO_START_LINE;
		BIO_free(bio);
	}
	free(text);
	ERR_clear_error();
	/* What is missing may be the newer of two lists. */
	if (any && !whole)
		return (
		    sn_why(why, SN_EINVAL, "%s is cut off or damaged", file));
	if (any)
		return (SN_OK);
	return (
	    sn_why(why, SN_EINVAL, "%s holds no %s (PEM or DER)", file, what));
}

enum sn_err path_add_certificates(
    STACK_OF(X509) * to, const char *file, struct sn_why *why)
{
	return (add(to, file, CERTIFICATES_MAX, take_certificate,
	    decode_certificate, "certificate", why));
}

enum sn_err path_add_lists(
    STACK_OF(X509_CRL) * to, const char *file, struct sn_why *why)
{
	return (add(to, file, LISTS_MAX, take_list, decode_list, "CRL", why));
}

enum sn_err path_add_policy(struct path *p, const char *oid, struct sn_why *why)
{
	ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);

	ERR_clear_error();
	if (o == NULL)
		return (sn_why(why, SN_EINVAL,
		    "\"%.80s\" is no policy: an object identifier, as in "
		    "1.3.6.1.4.1.32473.1",
		    oid));
	if (p->policies == NULL)
		p->policies = sk_ASN1_OBJECT_new_null();
	if (p->policies != NULL && sk_ASN1_OBJECT_push(p->policies, o) > 0)
		return (SN_OK);
	ASN1_OBJECT_free(o);
	return (sn_why(why, SN_ENOMEM, "out of memory"));
}

static bool set_rules(const struct path *p, X509_VERIFY_PARAM *rules)
{
	unsigned long flags =
	    X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL |
	    X509_V_FLAG_X509_STRICT | X509_V_FLAG_EXTENDED_CRL_SUPPORT |
	    X509_V_FLAG_USE_DELTAS | X509_V_FLAG_POLICY_CHECK;

	if (p->explicit_policy)
		flags |= X509_V_FLAG_EXPLICIT_POLICY;
	if (p->inhibit_mapping)
		flags |= X509_V_FLAG_INHIBIT_MAP;
	if (p->inhibit_any)
		flags |= X509_V_FLAG_INHIBIT_ANY;
	/* OpenSSL takes no policies for none, RFC 5280 for any. */
	if (p->policies == NULL && X509_VERIFY_PARAM_add0_policy(
				       rules, OBJ_nid2obj(NID_any_policy)) != 1)
		return (false);
	if (p->at != 0)
		X509_VERIFY_PARAM_set_time(rules, (time_t)p->at);
	X509_VERIFY_PARAM_set_auth_level(rules, LEVEL);
	return (X509_VERIFY_PARAM_set_flags(rules, flags) == 1 &&
		(p->purpose == -1 ||
		    X509_VERIFY_PARAM_set_purpose(rules, p->purpose) == 1) &&
		(p->policies == NULL ||
		    X509_VERIFY_PARAM_set1_policies(rules, p->policies) == 1));
}

static X509_STORE *store_of(const struct path *p)
{
	X509_STORE *store = X509_STORE_new();
	bool ok = store != NULL;

	for (int i = 0; ok && i < sk_X509_num(p->trusted); i++)
		ok = X509_STORE_add_cert(store, sk_X509_value(p->trusted, i)) ==
		     1;
	ok = ok && set_rules(p, X509_STORE_get0_param(store));
	if (ok)
		return (store);
	X509_STORE_free(store);
	return (NULL);
}

static enum sn_err refused(X509_STORE_CTX *c, struct sn_why *why)
{
	int code = X509_STORE_CTX_get_error(c);
	X509 *x = X509_STORE_CTX_get_current_cert(c);
	enum sn_err err = SN_ECERT;
	char *name = NULL;

	if (code == X509_V_ERR_CERT_REVOKED)
		err = SN_EREVOKED;
	else if (code == X509_V_ERR_CERT_HAS_EXPIRED)
		err = SN_EEXPIRED;
	else if (code == X509_V_ERR_OUT_OF_MEM)
		err = SN_ENOMEM;
	if (x != NULL)
		name = X509_NAME_oneline(X509_get_subject_name(x), NULL, 0);
	ERR_clear_error();
	(void)sn_why(why, err, "not to be accepted: %s%s%.200s%s",
	    X509_verify_cert_error_string(code), name != NULL ? " (" : "",
	    name != NULL ? name : "", name != NULL ? ")" : "");
	OPENSSL_free(name);
	return (err);
}

static bool verifies(X509_STORE_CTX *c, const struct path *p)
{
	/* In a store indirect lists would not be found: they are under the
	 * name of their issuer, not the certificate's. */
	X509_STORE_CTX_set0_crls(c, p->lists);
	return (X509_verify_cert(c) == 1);
}

enum sn_err path_verify(const struct path *p, X509 *leaf,
    STACK_OF(X509) * *chain, struct sn_why *why)
{
	X509_STORE_CTX *c = X509_STORE_CTX_new();
	X509_STORE *store;
	enum sn_err err;

	ERR_clear_error();
	store = store_of(p);
	if (c == NULL || store == NULL ||
	    X509_STORE_CTX_init(c, store, leaf, p->others) != 1)
		err = ssl_why(why, "cannot prepare the verification");
	else if (!verifies(c, p))
		err = refused(c, why);
	else if ((*chain = X509_STORE_CTX_get1_chain(c)) == NULL)
		err = sn_why(why, SN_ENOMEM, "out of memory");
	else
		err = SN_OK;
	X509_STORE_CTX_free(c);
	X509_STORE_free(store);
	return (err);
}
