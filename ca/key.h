#ifndef CA_KEY_H
#define CA_KEY_H

#include <stdbool.h>

#include <openssl/x509.h>

#include "ca/algorithm.h"
#include "lib/bytes.h"
#include "lib/err.h"
#include "lib/secret.h"

/*
 * The seam behind which private keys live.  Today a key is an encrypted
 * PKCS#8 file; whoever signs holds a struct key and cannot tell.
 */
struct key;

/** key_generate(type, out, why): a new key: "p256", "p384", "ed25519". */
enum sn_err key_generate(
    const char *type, struct key **out, struct sn_why *why) SN_MUST_USE;

/** key_load(path, passphrase, out, why): from an encrypted PKCS#8 file, or a
 * plain one when ${passphrase} is NULL.  SN_EPASSPHRASE, SN_ENOTFOUND. */
enum sn_err key_load(const char *path, const struct sn_secret *passphrase,
    struct key **out, struct sn_why *why) SN_MUST_USE;

/** key_save(key, path, passphrase, why): whole, mode 0600, scrypt and
 * AES-256; unencrypted when ${passphrase} is NULL. */
enum sn_err key_save(const struct key *key, const char *path,
    const struct sn_secret *passphrase, struct sn_why *why) SN_MUST_USE;

void key_free(struct key *key);

/** key_public(key): its public half, for certificates; borrowed. */
EVP_PKEY *key_public(const struct key *key);

/** key_fits(key, certificate): whether they belong together. */
bool key_fits(const struct key *key, X509 *certificate);

/** key_algorithm(key): how it signs. */
const struct algorithm *key_algorithm(const struct key *key);

#define KEY_SIGNATURE_MAX 2048 /* RSA with 16384 bits. */

/** key_sign(key, message, out, n, why): its signature, as it stands in
 * certificates, in KEY_SIGNATURE_MAX bytes at ${out}.  Any thread. */
enum sn_err key_sign(const struct key *key, struct sn_bytes message,
    uint8_t out[KEY_SIGNATURE_MAX], size_t *n, struct sn_why *why) SN_MUST_USE;

/** Sign with the key; the signature is made over the DER as it is now. */
enum sn_err key_sign_crl(
    const struct key *key, X509_CRL *crl, struct sn_why *why) SN_MUST_USE;

/** key_pkcs12(key, certificate, chain, password, name, compat, path, why):
 * write a PKCS#12 file, mode 0600; ${compat} for programs that know only the
 * old algorithms. */
enum sn_err key_pkcs12(const struct key *key, X509 *certificate,
    STACK_OF(X509) * chain, const struct sn_secret *password, const char *name,
    bool compat, const char *path, struct sn_why *why) SN_MUST_USE;

#endif
