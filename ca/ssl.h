#ifndef CA_SSL_H
#define CA_SSL_H

#include <openssl/x509.h>

#include "lib/bytes.h"
#include "lib/err.h"

/* Small helpers around OpenSSL's objects. */

/**
 * ssl_no_passphrase: what every reader of PEM is given, where OpenSSL would ask
 * at the terminal for the passphrase of whatever a stranger's file says is
 * encrypted.
 */
int ssl_no_passphrase(char *buf, int size, int writes, void *arg);

/** ssl_why(why, what): SN_ECRYPTO with OpenSSL's own reason behind ${what};
 * its error queue is emptied. */
enum sn_err ssl_why(struct sn_why *why, const char *what) SN_MUST_USE;

/** ssl_certificate(der, out, why): parse exactly one certificate. */
enum sn_err ssl_certificate(
    struct sn_bytes der, X509 **out, struct sn_why *why) SN_MUST_USE;

/** ssl_pem_first(text, n): the first certificate of a PEM file, or the one
 * of a DER file; NULL when there is none. */
X509 *ssl_pem_first(const char *text, size_t n);

/** ssl_der(certificate, out, n): its DER, malloc'd. */
enum sn_err ssl_der(X509 *certificate, uint8_t **out, size_t *n) SN_MUST_USE;

/** ssl_fingerprint(p, n, out): SHA-256. */
enum sn_err ssl_fingerprint(
    const void *p, size_t n, uint8_t out[32]) SN_MUST_USE;

/** ssl_pem_certificate, ssl_pem_crl: append PEM to ${bio}. */
enum sn_err ssl_pem_certificate(BIO *bio, X509 *certificate) SN_MUST_USE;
enum sn_err ssl_pem_crl(BIO *bio, X509_CRL *crl) SN_MUST_USE;

/** ssl_write_bio(bio, path, mode, why): the bytes of a memory BIO as a whole
 * file. */
enum sn_err ssl_write_bio(
    BIO *bio, const char *path, mode_t mode, struct sn_why *why) SN_MUST_USE;

#endif
