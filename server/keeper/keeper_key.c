#include "server/keeper/keeper_key.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "lib/file.h"
#include "lib/secret.h"

#define KEY_FILE_MAX (64 * 1024)
#define SPACES 64
#define CONTEXT "TLS 1.3, server CertificateVerify"
#define PREFIX (SPACES + sizeof(CONTEXT)) /* With the context's NUL. */

/* Never asks on a terminal, whatever is or is not given. */
static int give_passphrase(char *buf, int size, int writing, void *arg)
{
	const char *passphrase = arg;
	size_t n = passphrase == NULL ? 0 : strlen(passphrase);

	(void)writing;
	if (n == 0 || n > (size_t)size)
		return (-1);
	memcpy(buf, passphrase, n);
	return ((int)n);
}

static enum sn_err read_pem(
    const struct keeper_key_source *source, EVP_PKEY **out, struct sn_why *why)
{
	char *passphrase = (char *)(uintptr_t)source->passphrase;
	struct sn_secret pem = { 0 };
	enum sn_err err;
	BIO *bio;

	err = sn_file_read_secret_fd(
	    source->fd, source->name, KEY_FILE_MAX, &pem, why);
	if (err != SN_OK)
		return (err);
	ERR_clear_error();
	bio = BIO_new_mem_buf(pem.data, (int)pem.len);
	*out = bio == NULL ? NULL
			   : PEM_read_bio_PrivateKey(
				 bio, NULL, give_passphrase, passphrase);
	BIO_free(bio);
	sn_secret_free(&pem);
	ERR_clear_error();
	if (*out != NULL)
		return (SN_OK);
	return (sn_why(why, passphrase == NULL ? SN_ECONF : SN_EPASSPHRASE,
	    passphrase == NULL
		? "%s: holds no private key in PEM that can be read without a "
		  "passphrase; if it is encrypted, set "
		  "tls.key_passphrase_file"
		: "%s: holds no private key in PEM that the passphrase in "
		  "tls.key_passphrase_file opens",
	    source->name));
}

static enum sn_err choose_digest(
    struct keeper_key *key, const char *name, struct sn_why *why)
{
	char group[64] = "";

	if (EVP_PKEY_is_a(key->pkey, "EC"))
		(void)EVP_PKEY_get_utf8_string_param(key->pkey,
		    OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group), NULL);
	if (strcmp(group, "prime256v1") == 0)
		key->digest = EVP_sha256();
	else if (strcmp(group, "secp384r1") == 0)
		key->digest = EVP_sha384();
	else
		return (sn_why(why, SN_ECONF,
		    "%s: the server's key must be on the curve P-256 or P-384; "
		    "have a certificate issued for such a key",
		    name));
	return (SN_OK);
}

static enum sn_err match(const struct keeper_key_source *source,
    struct keeper_key *key, struct sn_why *why)
{
	BIO *bio = BIO_new_mem_buf(source->chain.p, (int)source->chain.n);
	X509 *leaf = NULL;
	unsigned char *der = NULL;
	int fits, len;

	if (bio != NULL)
		leaf = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	fits = leaf != NULL && X509_check_private_key(leaf, key->pkey) == 1;
	X509_free(leaf);
	ERR_clear_error();
	if (!fits)
		return (sn_why(why, SN_ECONF,
		    "%s: this key is not the one of the first certificate in "
		    "tls.certificate; name the two that belong together",
		    source->name));
	len = i2d_PUBKEY(key->pkey, &der);
	fits = len > 0 && EVP_Digest(der, (size_t)len, key->id, NULL,
			      EVP_sha256(), NULL) == 1;
	OPENSSL_free(der);
	return (fits ? SN_OK
		     : sn_why(why, SN_ECRYPTO, "%s: cannot hash the public key",
			   source->name));
}

enum sn_err keeper_key_load(const struct keeper_key_source *source,
    struct keeper_key **out, struct sn_why *why)
{
	struct keeper_key *key;
	enum sn_err err;

	if ((key = calloc(1, sizeof(*key))) == NULL)
		return (sn_why(why, SN_ENOMEM, "out of memory"));
	if ((err = read_pem(source, &key->pkey, why)) == SN_OK &&
	    (err = choose_digest(key, source->name, why)) == SN_OK)
		err = match(source, key, why);
	if (err != SN_OK) {
		keeper_key_free(key);
		return (err);
	}
	*out = key;
	return (SN_OK);
}

void keeper_key_free(struct keeper_key *key)
{
	if (key == NULL)
		return;
	EVP_PKEY_free(key->pkey);
	free(key);
}

static bool is_certificate_verify(struct sn_bytes input)
{
	uint8_t right[PREFIX];

	memset(right, ' ', SPACES);
	memcpy(right + SPACES, CONTEXT, sizeof(CONTEXT));
	return ((input.n == PREFIX + 32 || input.n == PREFIX + 48) &&
		memcmp(input.p, right, PREFIX) == 0);
}

enum sn_err keeper_key_sign(const struct keeper_key *key, struct sn_bytes input,
    uint8_t *out, size_t *n)
{
	EVP_MD_CTX *ctx;
	int ok;

	if (!is_certificate_verify(input))
		return (SN_EINVAL);
	ERR_clear_error();
	ctx = EVP_MD_CTX_new();
	ok = ctx != NULL &&
	     EVP_DigestSignInit(ctx, NULL, key->digest, NULL, key->pkey) == 1 &&
	     EVP_DigestSign(ctx, out, n, input.p, input.n) == 1;
	EVP_MD_CTX_free(ctx);
	return (ok ? SN_OK : SN_ECRYPTO);
}
