#include "ca/key.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#include "ca/ssl.h"
#include "lib/file.h"

#define KEY_FILE_MAX 16384
/* scrypt: 16 MiB, five times; the most that OpenSSL reads back without
 * being told to allow more. */
#define SCRYPT_N 16384
#define SCRYPT_R 8
#define SCRYPT_P 5
#define SALT_BYTES 16
#define PKCS12_ROUNDS 100000

struct key {
	EVP_PKEY *pkey;
	const struct algorithm *algorithm;
	/* Ready to sign; copied for each signature, for OpenSSL looks up
	 * again what it needs each time one is made ready. */
	EVP_MD_CTX *ready;
};

/* NULL: the algorithm hashes by itself. */
static const EVP_MD *digest(const struct algorithm *algorithm)
{
	return (algorithm->md != NULL ? algorithm->md() : NULL);
}

static enum sn_err wrap(EVP_PKEY *pkey, struct key **out, struct sn_why *why)
{
	struct key *key = calloc(1, sizeof(*key));

	if (key == NULL) {
		EVP_PKEY_free(pkey);
		return (sn_why(why, SN_ENOMEM, "out of memory"));
	}
	key->pkey = pkey;
	key->algorithm = algorithm_for(pkey);
	key->ready = EVP_MD_CTX_new();
	if (key->algorithm == NULL || key->ready == NULL ||
	    EVP_DigestSignInit(
		key->ready, NULL, digest(key->algorithm), NULL, pkey) != 1) {
		key_free(key);
		return (ssl_why(why, "cannot sign with this type of key"));
	}
	*out = key;
	return (SN_OK);
}

enum sn_err key_generate(const char *type, struct key **out, struct sn_why *why)
{
	EVP_PKEY *pkey = NULL;

	ERR_clear_error();
	if (strcmp(type, "p256") == 0)
		pkey = EVP_EC_gen("P-256");
	else if (strcmp(type, "p384") == 0)
		pkey = EVP_EC_gen("P-384");
	else if (strcmp(type, "ed25519") == 0)
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	else
		return (sn_why(why, SN_EINVAL,
		    "cannot make a key of type \"%s\"; p256, p384 and ed25519 "
		    "can be made",
		    type));
	if (pkey == NULL)
		return (ssl_why(why, "cannot make a key"));
	return (wrap(pkey, out, why));
}

/* PEM of an encrypted or plain PKCS#8 from memory. */
static enum sn_err parse(BIO *bio, const char *path,
    const struct sn_secret *passphrase, EVP_PKEY **out, struct sn_why *why)
{
	PKCS8_PRIV_KEY_INFO *info = NULL;
	X509_SIG *sealed = NULL;

	ERR_clear_error();
	if (passphrase == NULL) {
		info = PEM_read_bio_PKCS8_PRIV_KEY_INFO(
		    bio, NULL, ssl_no_passphrase, NULL);
		if (info == NULL)
			return (sn_why(why, SN_EPASSPHRASE,
			    "%s is encrypted or no private key", path));
	} else {
		sealed = PEM_read_bio_PKCS8(bio, NULL, ssl_no_passphrase, NULL);
		if (sealed == NULL)
			return (sn_why(why, SN_ECORRUPT,
			    "%s holds no encrypted private key", path));
		info = PKCS8_decrypt(
		    sealed, passphrase->data, (int)passphrase->len);
		X509_SIG_free(sealed);
		if (info == NULL) {
			ERR_clear_error();
			return (sn_why(why, SN_EPASSPHRASE,
			    "the passphrase does not open %s (if it was being "
			    "changed just now, run sicher-ca key passwd "
			    "again)",
			    path));
		}
	}
	*out = EVP_PKCS82PKEY(info);
	PKCS8_PRIV_KEY_INFO_free(info);
	if (*out == NULL)
		return (ssl_why(why, "cannot read the private key"));
	return (SN_OK);
}

enum sn_err key_load(const char *path, const struct sn_secret *passphrase,
    struct key **out, struct sn_why *why)
{
	struct sn_secret file;
	EVP_PKEY *pkey = NULL;
	enum sn_err err;
	BIO *bio;

	err = sn_file_read_secret(path, KEY_FILE_MAX, &file, why);
	if (err != SN_OK)
		return (err);
	if ((bio = BIO_new_mem_buf(file.data, (int)file.len)) == NULL) {
		err = sn_why(why, SN_ENOMEM, "out of memory");
		goto out;
	}
	err = parse(bio, path, passphrase, &pkey, why);
	BIO_free(bio);
	if (err == SN_OK)
		err = wrap(pkey, out, why);
out:
	sn_secret_free(&file);
	return (err);
}

static X509_SIG *seal(
    PKCS8_PRIV_KEY_INFO *info, const struct sn_secret *passphrase)
{
	unsigned char salt[SALT_BYTES];
	X509_ALGOR *how;
	X509_SIG *sealed;

	sn_secret_random(salt, sizeof(salt));
	how = PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), salt, sizeof(salt), NULL,
	    SCRYPT_N, SCRYPT_R, SCRYPT_P);
	if (how == NULL)
		return (NULL);
	sealed =
	    PKCS8_set0_pbe(passphrase->data, (int)passphrase->len, info, how);
	if (sealed == NULL)
		X509_ALGOR_free(how);
	return (sealed);
}

static bool to_bio(BIO *bio, EVP_PKEY *pkey, const struct sn_secret *passphrase)
{
	PKCS8_PRIV_KEY_INFO *info;
	X509_SIG *sealed;
	int ok = 0;

	if ((info = EVP_PKEY2PKCS8(pkey)) == NULL)
		return (false);
	if (passphrase == NULL) {
		ok = PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, info);
	} else if ((sealed = seal(info, passphrase)) != NULL) {
		ok = PEM_write_bio_PKCS8(bio, sealed);
		X509_SIG_free(sealed);
	}
	PKCS8_PRIV_KEY_INFO_free(info);
	return (ok == 1);
}

enum sn_err key_save(const struct key *key, const char *path,
    const struct sn_secret *passphrase, struct sn_why *why)
{
	BIO *bio;
	enum sn_err err;

	ERR_clear_error();
	/* Secure memory is wiped when freed. */
	if ((bio = BIO_new(BIO_s_secmem())) == NULL)
		return (sn_why(why, SN_ENOMEM, "out of memory"));
	if (to_bio(bio, key->pkey, passphrase))
		err = ssl_write_bio(bio, path, 0600, why);
	else
		err = ssl_why(why, "cannot encode the private key");
	BIO_free(bio);
	return (err);
}

void key_free(struct key *key)
{
	if (key == NULL)
		return;
	EVP_MD_CTX_free(key->ready);
	EVP_PKEY_free(key->pkey);
	free(key);
}

EVP_PKEY *key_public(const struct key *key)
{
	return (key->pkey);
}

bool key_fits(const struct key *key, X509 *certificate)
{
	EVP_PKEY *theirs = X509_get0_pubkey(certificate);

	return (theirs != NULL && EVP_PKEY_eq(key->pkey, theirs) == 1);
}

const struct algorithm *key_algorithm(const struct key *key)
{
	return (key->algorithm);
}

enum sn_err key_sign(const struct key *key, struct sn_bytes message,
    uint8_t out[KEY_SIGNATURE_MAX], size_t *n, struct sn_why *why)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool ok;

	ERR_clear_error();
	*n = KEY_SIGNATURE_MAX;
	ok = c != NULL && EVP_MD_CTX_copy_ex(c, key->ready) == 1 &&
	     EVP_DigestSign(c, out, n, message.p, message.n) == 1;
	EVP_MD_CTX_free(c);
	return (ok ? SN_OK : ssl_why(why, "cannot sign the certificate"));
}

enum sn_err key_sign_crl(
    const struct key *key, X509_CRL *crl, struct sn_why *why)
{
	ERR_clear_error();
	if (X509_CRL_sign(crl, key->pkey, digest(key->algorithm)) <= 0)
		return (ssl_why(why, "cannot sign the CRL"));
	return (SN_OK);
}

enum sn_err key_pkcs12(const struct key *key, X509 *certificate,
    STACK_OF(X509) * chain, const struct sn_secret *password, const char *name,
    bool compat, const char *path, struct sn_why *why)
{
	int pbe =
	    compat ? NID_pbe_WithSHA1And3_Key_TripleDES_CBC : NID_aes_256_cbc;
	enum sn_err err;
	PKCS12 *p12;
	BIO *bio;

	ERR_clear_error();
	/* The MAC is set apart, for only so can its digest be chosen. */
	p12 = PKCS12_create(password->data, name, key->pkey, certificate, chain,
	    pbe, pbe, PKCS12_ROUNDS, -1, 0);
	if (p12 == NULL)
		return (ssl_why(why, "cannot make the PKCS#12 file"));
	bio = BIO_new(BIO_s_secmem());
	if (bio != NULL &&
	    PKCS12_set_mac(p12, password->data, (int)password->len, NULL, 0,
		PKCS12_ROUNDS, compat ? EVP_sha1() : EVP_sha256()) == 1 &&
	    i2d_PKCS12_bio(bio, p12) == 1)
		err = ssl_write_bio(bio, path, 0600, why);
	else
		err = ssl_why(why, "cannot make the PKCS#12 file");
	BIO_free(bio);
	PKCS12_free(p12);
	return (err);
}
