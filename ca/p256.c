#include "ca/p256.h"

#include <stdlib.h>

#include <openssl/ec.h>
#include <openssl/err.h>

struct p256 {
	EVP_PKEY *key;
	EVP_PKEY_CTX *verifies; /* What it is set on is ${key} as it is now. */
	bool taken;
};

struct p256 *p256_new(void)
{
	struct p256 *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return (NULL);
	/* Any key will do, and this one's private half is nobody's. */
	p->key = EVP_EC_gen("P-256");
	if (p->key != NULL)
		p->verifies = EVP_PKEY_CTX_new_from_pkey(NULL, p->key, NULL);
	if (p->verifies == NULL || EVP_PKEY_verify_init(p->verifies) != 1) {
		p256_free(p);
		return (NULL);
	}
	return (p);
}

void p256_free(struct p256 *p)
{
	if (p == NULL)
		return;
	EVP_PKEY_CTX_free(p->verifies);
	EVP_PKEY_free(p->key);
	free(p);
}

bool p256_take(struct p256 *p, const uint8_t point[SPKI_P256_POINT])
{
	p->taken = EVP_PKEY_set1_encoded_public_key(
		       p->key, point, SPKI_P256_POINT) == 1;
	return (p->taken);
}

bool p256_verify(struct p256 *p, const EVP_MD *md, struct sn_bytes message,
    struct sn_bytes signature)
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	return (p->taken &&
		EVP_Digest(message.p, message.n, hash, &n, md, NULL) == 1 &&
		EVP_PKEY_verify(
		    p->verifies, signature.p, signature.n, hash, n) == 1);
}
