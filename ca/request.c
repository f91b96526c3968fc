#include "ca/request.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

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

/* A subject is allowed to be empty; a name in it has to be the one meant. */
static enum sn_err check_subject(
    const X509_NAME *subject, const char *name, struct sn_why *why)
{
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	const ASN1_STRING *cn;
	char quoted[160];
	size_t n;

	if (at < 0)
		return (SN_OK);
	if (X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
		return (sn_why(why, SN_ECERT,
		    "the CSR names two subjects; make a new "
		    "one with one CN or none"));
	cn = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
	n = (size_t)ASN1_STRING_length(cn);
	if (n == strlen(name) &&
	    memcmp(ASN1_STRING_get0_data(cn), name, n) == 0)
		return (SN_OK);
	return (sn_why(why, SN_ECERT,
	    "the CSR is for %s, not for \"%s\"; have one made for that name",
	    sn_log_quote(quoted, sizeof(quoted), ASN1_STRING_get0_data(cn), n),
	    name));
}

static enum sn_err check_extensions(
    const STACK_OF(X509_EXTENSION) * all, struct sn_why *why)
{
	BASIC_CONSTRAINTS *bc;
	bool ca;

	bc = X509V3_get_d2i(all, NID_basic_constraints, NULL, NULL);
	ca = bc != NULL && bc->ca != 0;
	BASIC_CONSTRAINTS_free(bc);
	ERR_clear_error();
	if (ca)
		return (sn_why(why, SN_ECERT,
		    "the CSR asks to become a certificate authority"));
	return (SN_OK);
}

static enum sn_err key_from(
    struct sn_bytes der, const char *name, EVP_PKEY **out, struct sn_why *why)
{
	struct proof proof;
	enum sn_err err;

	if ((err = proof_read(der, &proof, why)) != SN_OK)
		return (err);
	if ((err = check_subject(proof.subject, name, why)) == SN_OK &&
	    (err = check_extensions(proof.extensions, why)) == SN_OK) {
		*out = proof.key;
		proof.key = NULL;
	}
	proof_clear(&proof);
	return (err);
}

enum sn_err request_key(
    struct sn_bytes text, const char *name, EVP_PKEY **out, struct sn_why *why)
{
	unsigned char *der;
	enum sn_err err;
	long n;

	if (text.n > REQUEST_MAX)
		return (sn_why(why, SN_ETOOBIG,
		    "the CSR is larger than %d bytes", REQUEST_MAX));
	if (text.n > 0 && *(const unsigned char *)text.p == DER_SEQUENCE)
		return (key_from(text, name, out, why));
	if ((der = from_pem(text, &n)) == NULL)
		return (sn_why(why, SN_ECERT,
		    "this is no certificate signing request (PKCS#10, PEM or "
		    "DER)"));
	err = key_from((struct sn_bytes){ der, (size_t)n }, name, out, why);
	OPENSSL_free(der);
	return (err);
}

enum sn_err request_load(
    const char *path, const char *name, EVP_PKEY **out, struct sn_why *why)
{
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
	err = request_key((struct sn_bytes){ text, n }, name, out, why);
	free(text);
	return (err);
}
