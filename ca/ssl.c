#include "ca/ssl.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "lib/algorithms.h"
#include "lib/file.h"

#define DER_START 0x30 /* SEQUENCE */

int ssl_no_passphrase(char *buf, int size, int writes, void *arg)
{
	(void)buf;
	(void)size;
	(void)writes;
	(void)arg;
	return (-1);
}

enum sn_err ssl_why(struct sn_why *why, const char *what)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = ERR_reason_error_string(code);

	ERR_clear_error();
	return (sn_why(why, SN_ECRYPTO, "%s: %s", what,
	    reason != NULL ? reason : "the cryptography library failed"));
}

enum sn_err ssl_certificate(struct sn_bytes der, X509 **out, struct sn_why *why)
{
	const unsigned char *p = der.p;
	X509 *x;

	ERR_clear_error();
	x = d2i_X509(NULL, &p, (long)der.n);
	if (x == NULL)
		return (ssl_why(why, "cannot read a certificate"));
	if (p != (const unsigned char *)der.p + der.n) {
		X509_free(x);
		return (sn_why(
		    why, SN_ECRYPTO, "there are bytes behind the certificate"));
	}
	*out = x;
	return (SN_OK);
}

X509 *ssl_pem_first(const char *text, size_t n)
{
	const unsigned char *p = (const unsigned char *)text;
	X509 *x = NULL;
	BIO *bio;

	ERR_clear_error();
	if (n > 0 && p[0] == DER_START) {
		x = d2i_X509(NULL, &p, (long)n);
	} else if ((bio = BIO_new_mem_buf(text, (int)n)) != NULL) {
		x = PEM_read_bio_X509(bio, NULL, ssl_no_passphrase, NULL);
		BIO_free(bio);
	}
	ERR_clear_error();
	return (x);
}

enum sn_err ssl_der(X509 *certificate, uint8_t **out, size_t *n)
{
	unsigned char *der = NULL;
	int len = i2d_X509(certificate, &der);

	if (len <= 0)
		return (SN_ECRYPTO);
	*out = der;
	*n = (size_t)len;
	return (SN_OK);
}

enum sn_err ssl_fingerprint(const void *p, size_t n, uint8_t out[32])
{
	if (EVP_Digest(p, n, out, NULL, sn_algorithms_sha256(), NULL) != 1)
		return (SN_ECRYPTO);
	return (SN_OK);
}

enum sn_err ssl_pem_certificate(BIO *bio, X509 *certificate)
{
	if (bio == NULL || PEM_write_bio_X509(bio, certificate) != 1)
		return (SN_ECRYPTO);
	return (SN_OK);
}

enum sn_err ssl_pem_crl(BIO *bio, X509_CRL *crl)
{
	if (bio == NULL || PEM_write_bio_X509_CRL(bio, crl) != 1)
		return (SN_ECRYPTO);
	return (SN_OK);
}

enum sn_err ssl_write_bio(
    BIO *bio, const char *path, mode_t mode, struct sn_why *why)
{
	char *p;
	long n = BIO_get_mem_data(bio, &p);

	return (sn_file_write(path, mode, p, (size_t)n, why));
}
