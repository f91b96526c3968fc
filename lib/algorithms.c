#include "lib/algorithms.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

#define NAME "sichernetz-few"
#define KEPT_MAX 8 /* Of one operation. */

/* What is kept; an algorithm that no row names does not exist here. */
static const struct row {
	int operation;
	const char *name;     /* The first of its names. */
	const char *property; /* Of codecs: which of them. */
} rows[] = {
	{ OSSL_OP_DIGEST, "SHA1", NULL }, /* Key identifiers. */
	{ OSSL_OP_DIGEST, "SHA2-256", NULL },
	{ OSSL_OP_DIGEST, "SHA2-384", NULL },
	{ OSSL_OP_DIGEST, "SHA2-512", NULL },
	{ OSSL_OP_CIPHER, "AES-128-GCM", NULL },
	{ OSSL_OP_CIPHER, "AES-256-GCM", NULL },
	{ OSSL_OP_CIPHER, "ChaCha20-Poly1305", NULL },
	{ OSSL_OP_MAC, "HMAC", NULL },
	{ OSSL_OP_KDF, "HKDF", NULL },
	{ OSSL_OP_KDF, "TLS13-KDF", NULL },
	{ OSSL_OP_RAND, "CTR-DRBG", NULL },
	{ OSSL_OP_RAND, "SEED-SRC", NULL },
	{ OSSL_OP_KEYMGMT, "EC", NULL },
	{ OSSL_OP_KEYMGMT, "RSA", NULL },
	/* Without it TLS offers no rsa_pss_rsae_*, and RSA keys stay out. */
	{ OSSL_OP_KEYMGMT, "RSA-PSS", NULL },
	{ OSSL_OP_KEYMGMT, "ED25519", NULL },
	{ OSSL_OP_KEYMGMT, "X25519", NULL },
	{ OSSL_OP_KEYEXCH, "ECDH", NULL },
	{ OSSL_OP_KEYEXCH, "X25519", NULL },
	{ OSSL_OP_SIGNATURE, "ECDSA", NULL },
	{ OSSL_OP_SIGNATURE, "RSA", NULL },
	{ OSSL_OP_SIGNATURE, "ED25519", NULL },
	{ OSSL_OP_DECODER, "EC", "der,structure=SubjectPublicKeyInfo" },
	{ OSSL_OP_DECODER, "RSA", "der,structure=SubjectPublicKeyInfo" },
	{ OSSL_OP_DECODER, "ED25519", "der,structure=SubjectPublicKeyInfo" },
	{ OSSL_OP_ENCODER, "EC", "der,structure=SubjectPublicKeyInfo" },
	{ OSSL_OP_ENCODER, "RSA", "der,structure=SubjectPublicKeyInfo" },
	{ OSSL_OP_ENCODER, "ED25519", "der,structure=SubjectPublicKeyInfo" },
};
#define ROWS (sizeof(rows) / sizeof(*rows))

static bool named(const OSSL_ALGORITHM *a, const char *name)
{
	size_t n = strlen(name);

	return (
	    strncmp(a->algorithm_names, name, n) == 0 &&
	    (a->algorithm_names[n] == ':' || a->algorithm_names[n] == '\0'));
}

static bool is_kept(int operation, const OSSL_ALGORITHM *a)
{
	for (size_t i = 0; i < ROWS; i++) {
		const struct row *row = &rows[i];

		if (row->operation == operation && named(a, row->name) &&
		    (row->property == NULL ||
			strstr(a->property_definition, row->property) != NULL))
			return (true);
	}
	return (false);
}

/*
 * The provider: OpenSSL's own one, loaded into a context apart, seen through
 * the table.  Its functions are given its context, as it would have it.
 */
static struct few {
	OSSL_LIB_CTX *apart, *context;
	OSSL_PROVIDER *whole;
	OSSL_ALGORITHM kept[OSSL_OP__HIGHEST + 1][KEPT_MAX + 1];
} few;

static void keep(int operation)
{
	const OSSL_ALGORITHM *a;
	int no_cache;
	size_t n = 0;

	a = OSSL_PROVIDER_query_operation(few.whole, operation, &no_cache);
	for (; a != NULL && a->algorithm_names != NULL && n < KEPT_MAX; a++) {
		if (is_kept(operation, a))
			few.kept[operation][n++] = *a;
	}
}

static const OSSL_ALGORITHM *query(void *provider, int operation, int *no_cache)
{
	(void)provider;
	*no_cache = 0;
	if (operation < 0 || operation > OSSL_OP__HIGHEST ||
	    few.kept[operation][0].algorithm_names == NULL)
		return (NULL);
	return (few.kept[operation]);
}

/* The groups of TLS; those whose keys are not kept drop out by themselves. */
static int capabilities(
    void *provider, const char *name, OSSL_CALLBACK *call, void *arg)
{
	(void)provider;
	return (OSSL_PROVIDER_get_capabilities(few.whole, name, call, arg));
}

static int start(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
    const OSSL_DISPATCH **out, void **context)
{
	static const OSSL_DISPATCH functions[] = {
		{ OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query },
		{ OSSL_FUNC_PROVIDER_GET_CAPABILITIES,
		    (void (*)(void))capabilities },
		{ 0, NULL },
	};

	(void)handle;
	(void)in;
	*out = functions;
	*context = OSSL_PROVIDER_get0_provider_ctx(few.whole);
	return (1);
}

static void make(void)
{
	few.apart = OSSL_LIB_CTX_new();
	few.context = OSSL_LIB_CTX_new();
	if (few.apart == NULL || few.context == NULL)
		goto err0;
	few.whole = OSSL_PROVIDER_load(few.apart, "default");
	if (few.whole == NULL)
		goto err0;
	for (int i = 0; i <= OSSL_OP__HIGHEST; i++)
		keep(i);
	if (OSSL_PROVIDER_add_builtin(few.context, NAME, start) &&
	    OSSL_PROVIDER_load(few.context, NAME) != NULL)
		return;
err0:
	ERR_clear_error();
	OSSL_LIB_CTX_free(few.context);
	few.context = NULL;
}

static const EVP_MD *sha256;

static void fetch(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
	if (sha256 == NULL) {
		ERR_clear_error();
		sha256 = EVP_sha256();
	}
}

const EVP_MD *sn_algorithms_sha256(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, fetch);
	return (sha256);
}

OSSL_LIB_CTX *sn_algorithms(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, make);
	return (few.context);
}
