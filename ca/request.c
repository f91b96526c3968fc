#include "ca/request.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "ca/der.h"
#include "ca/proof.h"
#include "ca/ssl.h"
#include "lib/file.h"
#include "lib/log.h"

/* The DER of a PEM file, malloc'd by OpenSSL; NULL: it is none. */
static unsigned char *from_pem(struct sn_bytes text, long *n)
{
	BIO *bio = BIO_new_mem_buf(text.p, (int)text.n);
	unsigned char *der = NULL;

	ERR_clear_error();
	if (bio == NULL ||
	    PEM_bytes_read_bio(&der, n, NULL, PEM_STRING_X509_REQ, bio,
		ssl_no_passphrase, NULL) != 1)
		der = NULL;
	BIO_free(bio);
	ERR_clear_error();
	return (der);
}

/* One RDN; its common name, if it has one, is counted and stored. */
static void read_rdn(struct der *rdn, unsigned *count, struct der *cn)
{
	static const uint8_t common_name[] = { 0x55, 0x04, 0x03 };

	while (!rdn->bad && rdn->n > 0) {
		struct der pair = der_take(rdn, DER_SEQUENCE);
		struct der type = der_take(&pair, DER_OID), value;
		uint8_t tag;

		value = der_next(&pair, &tag);
		rdn->bad = rdn->bad || !der_end(&pair);
		if (!der_is(&type, common_name, sizeof(common_name)))
			continue;
		*cn = value;
		(*count)++;
	}
}

/* A subject is allowed to be empty; a name in it has to be the one meant. */
static enum sn_err check_subject(
    struct der subject, const char *name, struct sn_why *why)
{
	struct der cn = der_over("", 0);
	char quoted[160];
	unsigned count = 0;

	while (!subject.bad && subject.n > 0) {
		struct der rdn = der_take(&subject, DER_SET);

		read_rdn(&rdn, &count, &cn);
		subject.bad = subject.bad || rdn.bad;
	}
	if (subject.bad)
		return (
		    sn_why(why, SN_ECERT, "the CSR's subject cannot be read"));
	if (count > 1)
		return (sn_why(why, SN_ECERT,
		    "the CSR names two subjects; make a new one with one CN or "
		    "none"));
	if (count == 0 || der_is(&cn, name, strlen(name)))
		return (SN_OK);
	return (sn_why(why, SN_ECERT,
	    "the CSR is for %s, not for \"%s\"; have one made for that name",
	    sn_log_quote(quoted, sizeof(quoted), cn.p, cn.n), name));
}

/* Whether a basicConstraints says CA; ${value}->bad where it is none. */
static bool wants_ca(struct der *value)
{
	struct der in = der_take(value, DER_SEQUENCE), ca;

	if (!der_end(value))
		value->bad = true;
	if (der_peek(&in) != DER_BOOLEAN)
		return (false);
	ca = der_take(&in, DER_BOOLEAN);
	if (in.bad || ca.n != 1)
		value->bad = true;
	return (!value->bad && ca.p[0] != 0);
}

static enum sn_err check_extensions(struct der all, struct sn_why *why)
{
	static const uint8_t basic_constraints[] = { 0x55, 0x1d, 0x13 };
	bool ca = false;

	while (!all.bad && all.n > 0) {
		struct der one = der_take(&all, DER_SEQUENCE);
		struct der type = der_take(&one, DER_OID), value;

		if (der_peek(&one) == DER_BOOLEAN)
			(void)der_take(&one, DER_BOOLEAN);
		value = der_take(&one, DER_OCTETS);
		if (!der_end(&one))
			all.bad = true;
		if (!der_is(
			&type, basic_constraints, sizeof(basic_constraints)))
			continue;
		ca = wants_ca(&value) || ca;
		all.bad = all.bad || value.bad;
	}
	if (ca)
		return (sn_why(why, SN_ECERT,
		    "the CSR asks to become a certificate authority"));
	if (all.bad)
		return (sn_why(
		    why, SN_ECERT, "the CSR's extensions cannot be read"));
	return (SN_OK);
}

static enum sn_err key_from(struct sn_bytes der, const char *name,
    struct p256 *p256, struct spki *out, struct sn_why *why)
{
	struct proof proof;
	enum sn_err err;

	if ((err = proof_read(der, p256, &proof, why)) != SN_OK ||
	    (err = check_subject(proof.subject, name, why)) != SN_OK ||
	    (err = check_extensions(proof.extensions, why)) != SN_OK)
		return (err);
	*out = proof.key;
	return (SN_OK);
}

enum sn_err request_key(struct sn_bytes text, const char *name,
    struct p256 *p256, struct spki *out, struct sn_why *why)
{
	unsigned char *der;
	enum sn_err err;
	long n;

	if (text.n > REQUEST_MAX)
		return (sn_why(why, SN_ETOOBIG,
		    "the CSR is larger than %d bytes", REQUEST_MAX));
	if (text.n > 0 && *(const unsigned char *)text.p == DER_SEQUENCE)
		return (key_from(text, name, p256, out, why));
	if ((der = from_pem(text, &n)) == NULL)
		return (sn_why(why, SN_ECERT,
		    "this is no certificate signing request (PKCS#10, PEM or "
		    "DER)"));
	err =
	    key_from((struct sn_bytes){ der, (size_t)n }, name, p256, out, why);
	OPENSSL_free(der);
	return (err);
}

enum sn_err request_load(
    const char *path, const char *name, struct spki *out, struct sn_why *why)
{
	struct p256 *p256;
	enum sn_err err;
	char *text;
	size_t n;

	if (strcmp(path, "-") == 0)
		err = sn_file_read_fd(STDIN_FILENO, "standard input",
		    REQUEST_MAX, &text, &n, why);
	else
		err = sn_file_read(path, REQUEST_MAX, &text, &n, why);
	if (err != SN_OK)
		return (err);
	if ((p256 = p256_new()) == NULL)
		err = sn_why(why, SN_ENOMEM, "out of memory");
	else
		err = request_key(
		    (struct sn_bytes){ text, n }, name, p256, out, why);
	p256_free(p256);
	free(text);
	return (err);
}
