#include "lib/cert.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "lib/algorithms.h"

enum sn_err sn_cert_refuse(struct sn_cert_refusal *r, enum sn_err err,
    int alert, const char *word, const char *format, ...)
{
	va_list ap;

	if (r == NULL)
		return (err);
	r->err = err;
	r->alert = alert;
	r->word = word;
	va_start(ap, format);
	(void)vsnprintf(r->why.text, sizeof(r->why.text), format, ap);
	va_end(ap);
	return (err);
}

static X509 *of_der(const unsigned char *der, long len)
{
	const unsigned char *p = der;
	X509 *cert = X509_new_ex(sn_algorithms(), NULL);

	if (cert != NULL && d2i_X509(&cert, &p, len) != NULL && p == der + len)
		return (cert);
	X509_free(cert);
	return (NULL);
}

/* One PEM block: 1 when there was one, 0 at the end, -1 when it is broken. */
static int read_block(BIO *in, STACK_OF(X509) * out)
{
	char *name = NULL, *header = NULL;
	unsigned char *data = NULL;
	long len = 0;
	int result = 1;
	X509 *cert = NULL;

	ERR_clear_error();
	if (!PEM_read_bio(in, &name, &header, &data, &len)) {
		unsigned long e = ERR_peek_last_error();

		ERR_clear_error();
		return (ERR_GET_LIB(e) == ERR_LIB_PEM &&
				ERR_GET_REASON(e) == PEM_R_NO_START_LINE
			    ? 0
			    : -1);
	}
	if (strcmp(name, PEM_STRING_X509) == 0 ||
	    strcmp(name, PEM_STRING_X509_OLD) == 0) {
		cert = of_der(data, len);
		if (cert == NULL || !sk_X509_push(out, cert)) {
			X509_free(cert);
			result = -1;
		}
	}
	OPENSSL_free(name);
	OPENSSL_free(header);
	/* Other blocks may be private keys. */
	OPENSSL_clear_free(data, (size_t)len);
	ERR_clear_error();
	return (result);
}

enum sn_err sn_cert_read(
    struct sn_bytes pem, STACK_OF(X509) * *out, struct sn_why *why)
{
	STACK_OF(X509) *stack = sk_X509_new_null();
	BIO *in = BIO_new_mem_buf(pem.p, (int)pem.n);
	enum sn_err err = SN_OK;
	int more = 1;

	if (stack == NULL || in == NULL) {
		err = sn_why(why, SN_ENOMEM, "out of memory");
		goto out;
	}
	while (more > 0)
		more = read_block(in, stack);
	if (more < 0)
		err = sn_why(why, SN_EINVAL,
		    "certificate %d in the text cannot be read: it is "
		    "damaged or not an X.509 certificate",
		    sk_X509_num(stack) + 1);
	else if (sk_X509_num(stack) == 0)
		err = sn_why(why, SN_EINVAL,
		    "there is no certificate in the text (expected "
		    "-----BEGIN CERTIFICATE-----)");
	else {
		*out = stack;
		stack = NULL;
	}
out:
	BIO_free(in);
	sn_cert_free(stack);
	return (err);
}

void sn_cert_free(STACK_OF(X509) * stack)
{
	sk_X509_pop_free(stack, X509_free);
}

struct asked {
	const struct sn_secret *passphrase;
	int times;
};

/* Answers OpenSSL's question for the passphrase, never from a terminal. */
static int give_passphrase(char *out, int size, int writing, void *arg)
{
	struct asked *asked = arg;

	(void)writing;
	asked->times++;
	if (asked->passphrase == NULL || asked->passphrase->len > (size_t)size)
		return (-1);
	memcpy(out, asked->passphrase->data, asked->passphrase->len);
	return ((int)asked->passphrase->len);
}

enum sn_err sn_cert_read_key(struct sn_bytes pem,
    const struct sn_secret *passphrase, EVP_PKEY **out, struct sn_why *why)
{
	struct asked asked = { .passphrase = passphrase };
	BIO *in = BIO_new_mem_buf(pem.p, (int)pem.n);
	EVP_PKEY *key;

	if (in == NULL)
		return (sn_why(why, SN_ENOMEM, "out of memory"));
	ERR_clear_error();
	key = PEM_read_bio_PrivateKey(in, NULL, give_passphrase, &asked);
	ERR_clear_error();
	BIO_free(in);
	if (key != NULL) {
		*out = key;
		return (SN_OK);
	}
	if (asked.times == 0)
		return (sn_why(why, SN_EINVAL,
		    "there is no private key in the text that can be read"));
	if (passphrase == NULL)
		return (sn_why(why, SN_EPASSPHRASE,
		    "the private key is encrypted and no passphrase was "
		    "given"));
	return (sn_why(why, SN_EPASSPHRASE,
	    "the passphrase does not open the private key"));
}

void sn_cert_fingerprint(const X509 *cert, uint8_t out[SN_CERT_FINGERPRINT])
{
	unsigned n = 0;

	if (!X509_digest(cert, EVP_sha256(), out, &n))
		memset(out, 0, SN_CERT_FINGERPRINT);
}

static void digest_key(const X509 *cert, EVP_MD_CTX *md)
{
	unsigned char *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);

	if (n > 0)
		(void)EVP_DigestUpdate(md, der, (size_t)n);
	OPENSSL_free(der);
}

static void digest_name(const X509 *cert, EVP_MD_CTX *md)
{
	unsigned char *der = NULL;
	int n = i2d_X509_NAME(X509_get_subject_name(cert), &der);

	if (n > 0)
		(void)EVP_DigestUpdate(md, der, (size_t)n);
	OPENSSL_free(der);
}

static void digest(const X509 *cert, int with_name, uint8_t out[32])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();

	memset(out, 0, 32);
	if (md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL)) {
		if (with_name)
			digest_name(cert, md);
		digest_key(cert, md);
		(void)EVP_DigestFinal_ex(md, out, NULL);
	}
	EVP_MD_CTX_free(md);
}

void sn_cert_key_id(const X509 *cert, uint8_t out[32])
{
	digest(cert, 0, out);
}

void sn_cert_issuer(const X509 *issuer, uint8_t out[SN_CERT_ISSUER])
{
	digest(issuer, 1, out);
}

enum sn_err sn_cert_serial(
    const ASN1_INTEGER *number, uint8_t out[SN_CERT_SERIAL])
{
	static const uint8_t zero[SN_CERT_SERIAL];
	const uint8_t *p = ASN1_STRING_get0_data(number);
	int n = ASN1_STRING_length(number);

	memset(out, 0, SN_CERT_SERIAL);
	if (ASN1_STRING_type(number) == V_ASN1_NEG_INTEGER || n < 1 ||
	    n > SN_CERT_SERIAL)
		return (SN_ECERT);
	/* In DER, 20 octets whose first bit is set would be negative. */
	if (n == SN_CERT_SERIAL && (p[0] & 0x80) != 0)
		return (SN_ECERT);
	if (memcmp(p, zero, (size_t)n) == 0)
		return (SN_ECERT);
	memcpy(out + SN_CERT_SERIAL - n, p, (size_t)n);
	return (SN_OK);
}

const char *sn_cert_serial_hex(
    const uint8_t serial[SN_CERT_SERIAL], char out[SN_CERT_SERIAL_HEX])
{
	size_t skip = 0;

	while (skip < SN_CERT_SERIAL - 1 && serial[skip] == 0)
		skip++;
	return (sn_bytes_hex(serial + skip, SN_CERT_SERIAL - skip, out));
}

/* RFC 5280, 4.1.2.5: seconds, Zulu, and no other way to write it. */
static int is_strict(const ASN1_TIME *t)
{
	const char *p = (const char *)ASN1_STRING_get0_data(t);
	int n = ASN1_STRING_length(t);

	if (ASN1_STRING_type(t) == V_ASN1_UTCTIME ? n != 13 : n != 15)
		return (0);
	return (p[n - 1] == 'Z');
}

enum sn_err sn_cert_time(const ASN1_TIME *t, int64_t *out)
{
	struct tm tm;

	*out = 0;
	if (t == NULL || !is_strict(t) || !ASN1_TIME_to_tm(t, &tm))
		return (SN_ECERT);
	*out = (int64_t)timegm(&tm);
	return (SN_OK);
}

const char *sn_cert_name(const X509_NAME *name, char out[SN_CERT_NAME])
{
	BIO *mem = BIO_new(BIO_s_mem());
	int n = 0;

	if (mem != NULL &&
	    X509_NAME_print_ex(mem, name, 0, XN_FLAG_RFC2253) >= 0)
		n = BIO_read(mem, out, SN_CERT_NAME - 1);
	out[n > 0 ? n : 0] = '\0';
	BIO_free(mem);
	return (out);
}
