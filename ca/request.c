#include "ca/request.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "lib/file.h"
#include "lib/log.h"

static X509_REQ *parse(struct sn_bytes text)
{
	const unsigned char *p = text.p;
	X509_REQ *req = NULL;
	BIO *bio;

	ERR_clear_error();
	if (text.n > 0 && p[0] == 0x30) {
		req = d2i_X509_REQ(NULL, &p, (long)text.n);
		if (req != NULL &&
		    p != (const unsigned char *)text.p + text.n) {
			X509_REQ_free(req);
			req = NULL;
		}
	} else if ((bio = BIO_new_mem_buf(text.p, (int)text.n)) != NULL) {
		req = PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL);
		BIO_free(bio);
	}
	ERR_clear_error();
	return (req);
}

/* A subject is allowed to be empty; a name in it has to be the one meant. */
static enum sn_err check_subject(
    X509_REQ *req, const char *name, struct sn_why *why)
{
	X509_NAME *subject = X509_REQ_get_subject_name(req);
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

static enum sn_err check_extensions(X509_REQ *req, struct sn_why *why)
{
	STACK_OF(X509_EXTENSION) *all = X509_REQ_get_extensions(req);
	BASIC_CONSTRAINTS *bc;
	bool ca;

	bc = X509V3_get_d2i(all, NID_basic_constraints, NULL, NULL);
	ca = bc != NULL && bc->ca != 0;
	BASIC_CONSTRAINTS_free(bc);
	sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
	ERR_clear_error();
	if (ca)
		return (sn_why(why, SN_ECERT,
		    "the CSR asks to become a certificate authority"));
	return (SN_OK);
}

enum sn_err request_key(
    struct sn_bytes text, const char *name, EVP_PKEY **out, struct sn_why *why)
{
	X509_REQ *req;
	EVP_PKEY *key;
	enum sn_err err;

	if (text.n > REQUEST_MAX)
		return (sn_why(why, SN_ETOOBIG,
		    "the CSR is larger than %d bytes", REQUEST_MAX));
	if ((req = parse(text)) == NULL)
		return (sn_why(why, SN_ECERT,
		    "this is no certificate signing request (PKCS#10, PEM or "
		    "DER)"));
	key = X509_REQ_get0_pubkey(req);
	if (key == NULL || X509_REQ_verify(req, key) != 1) {
		ERR_clear_error();
		err = sn_why(why, SN_ECERT,
		    "the CSR's own signature is wrong: whoever made it does "
		    "not prove to hold its key");
	} else if ((err = check_subject(req, name, why)) == SN_OK &&
		   (err = check_extensions(req, why)) == SN_OK) {
		(void)EVP_PKEY_up_ref(key);
		*out = key;
	}
	X509_REQ_free(req);
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
