#include "server/keeper/provider.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include "lib/algorithms.h"
#include "lib/cert.h"

#define NAME "sichernetz"
#define PARAM_ID "sichernetz-key-id"
#define POINT_MAX 97 /* Uncompressed, P-384. */
#define WAIT_MS 2000
#define FUNCTION(number, function)                 \
	{                                          \
		number, (void (*)(void))(function) \
	}

/* The socket of a thread belongs to that thread alone. */
static _Thread_local int thread_fd = -1;

struct curve {
	const char *group, *digest;
	int bits, security, signature_max;
};

static const struct curve curves[] = {
	{ SN_X9_62_prime256v1, "SHA256", 256, 128, 72 },
	{ SN_secp384r1, "SHA384", 384, 192, 104 },
};

/* What stands for the private key here: whose it is, and nothing else. */
struct key {
	uint8_t id[PROVIDER_KEY_ID];
	uint8_t point[POINT_MAX];
	size_t point_size;
	const struct curve *curve;
};

void provider_thread_fd(int fd)
{
	thread_fd = fd;
}

/*
 * Keys.
 */

static void *key_new(void *provider)
{
	(void)provider;
	return (calloc(1, sizeof(struct key)));
}

static void key_free(void *key)
{
	free(key);
}

static int key_has(const void *key, int selection)
{
	(void)selection;
	return (((const struct key *)key)->curve != NULL);
}

static int key_match(const void *a, const void *b, int selection)
{
	const struct key *x = a, *y = b;

	(void)selection;
	return (x->curve == y->curve && x->point_size == y->point_size &&
		memcmp(x->point, y->point, x->point_size) == 0);
}

static const struct curve *curve_find(const char *group)
{
	for (size_t i = 0; i < sizeof(curves) / sizeof(*curves); i++) {
		if (group != NULL && strcmp(curves[i].group, group) == 0)
			return (&curves[i]);
	}
	return (NULL);
}

/* Ours come with an id; OpenSSL imports others to compare them with ours. */
static int key_import(void *arg, int selection, const OSSL_PARAM params[])
{
	const OSSL_PARAM *group =
	    OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_GROUP_NAME);
	const OSSL_PARAM *point =
	    OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_PUB_KEY);
	const OSSL_PARAM *id = OSSL_PARAM_locate_const(params, PARAM_ID);
	struct key *key = arg;
	const char *name = NULL;
	void *to = key->point, *to_id = key->id;
	size_t n;

	(void)selection;
	if (group == NULL || point == NULL ||
	    !OSSL_PARAM_get_utf8_string_ptr(group, &name) ||
	    !OSSL_PARAM_get_octet_string(
		point, &to, POINT_MAX, &key->point_size))
		return (0);
	if (id != NULL &&
	    !OSSL_PARAM_get_octet_string(id, &to_id, PROVIDER_KEY_ID, &n))
		return (0);
	key->curve = curve_find(name);
	return (key->curve != NULL);
}

static const OSSL_PARAM *key_import_types(int selection)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
		OSSL_PARAM_octet_string(PARAM_ID, NULL, 0),
		OSSL_PARAM_END,
	};

	(void)selection;
	return (types);
}

static int put_int(OSSL_PARAM params[], const char *name, int value)
{
	OSSL_PARAM *p = OSSL_PARAM_locate(params, name);

	return (p == NULL || OSSL_PARAM_set_int(p, value));
}

static int put_text(OSSL_PARAM params[], const char *name, const char *value)
{
	OSSL_PARAM *p = OSSL_PARAM_locate(params, name);

	return (p == NULL || OSSL_PARAM_set_utf8_string(p, value));
}

static int key_get_params(void *arg, OSSL_PARAM params[])
{
	const struct curve *c = ((const struct key *)arg)->curve;

	return (c != NULL && put_int(params, OSSL_PKEY_PARAM_BITS, c->bits) &&
		put_int(params, OSSL_PKEY_PARAM_SECURITY_BITS, c->security) &&
		put_int(params, OSSL_PKEY_PARAM_MAX_SIZE, c->signature_max) &&
		put_text(params, OSSL_PKEY_PARAM_GROUP_NAME, c->group) &&
		put_text(params, OSSL_PKEY_PARAM_DEFAULT_DIGEST, c->digest));
}

static const OSSL_PARAM *key_gettable(void *provider)
{
	static const OSSL_PARAM names[] = {
		OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
		OSSL_PARAM_END,
	};

	(void)provider;
	return (names);
}

static const char *key_operation(int operation)
{
	(void)operation;
	return ("ECDSA");
}

static const OSSL_DISPATCH key_functions[] = {
	FUNCTION(OSSL_FUNC_KEYMGMT_NEW, key_new),
	FUNCTION(OSSL_FUNC_KEYMGMT_FREE, key_free),
	FUNCTION(OSSL_FUNC_KEYMGMT_HAS, key_has),
	FUNCTION(OSSL_FUNC_KEYMGMT_MATCH, key_match),
	FUNCTION(OSSL_FUNC_KEYMGMT_IMPORT, key_import),
	FUNCTION(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, key_import_types),
	FUNCTION(OSSL_FUNC_KEYMGMT_GET_PARAMS, key_get_params),
	FUNCTION(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, key_gettable),
	FUNCTION(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, key_operation),
	{ 0, NULL },
};

/*
 * Signatures.
 */

struct signing {
	const struct key
	    *key; /* Outlives this: the caller holds its EVP_PKEY. */
};

static void *signing_new(void *provider, const char *properties)
{
	(void)provider;
	(void)properties;
	return (calloc(1, sizeof(struct signing)));
}

static void signing_free(void *signing)
{
	free(signing);
}

static int signing_init(
    void *arg, const char *digest, void *key, const OSSL_PARAM params[])
{
	struct signing *s = arg;

	(void)params;
	s->key = key;
	/* The keeper signs with the digest that belongs to the curve. */
	return (key != NULL && s->key->curve != NULL &&
		(digest == NULL ||
		    EVP_MD_is_a(
			EVP_get_digestbyname(s->key->curve->digest), digest)));
}

/* Whether ${events} came within the time; the keeper may be restarting. */
static int await(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n;

	do
		n = poll(&p, 1, WAIT_MS);
	while (n < 0 && errno == EINTR);
	return (n == 1 && (p.revents & events) != 0);
}

static int ask(int fd, const uint8_t *p, size_t n)
{
	while (send(fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)n) {
		if ((errno != EAGAIN && errno != EINTR) || !await(fd, POLLOUT))
			return (0);
	}
	return (1);
}

/* The signature's size, or 0. */
static size_t answer(int fd, unsigned char *out, size_t size)
{
	uint8_t reply[PROVIDER_REPLY_MAX];
	ssize_t n = -1;

	if (await(fd, POLLIN))
		n = recv(fd, reply, sizeof(reply), MSG_DONTWAIT);
	if (n <= 0) {
		/* A reply that comes late would answer the next request. */
		thread_fd = -1;
		return (0);
	}
	if (n < 2 || reply[0] != 0 || (size_t)n - 1 > size)
		return (0);
	memcpy(out, reply + 1, (size_t)n - 1);
	return ((size_t)n - 1);
}

static int signing_sign(void *arg, unsigned char *out, size_t *out_size,
    size_t size, const unsigned char *input, size_t n)
{
	const struct signing *s = arg;
	uint8_t request[PROVIDER_KEY_ID + PROVIDER_INPUT_MAX];

	if (out == NULL) {
		*out_size = (size_t)s->key->curve->signature_max;
		return (1);
	}
	if (thread_fd < 0 || n > PROVIDER_INPUT_MAX)
		return (0);
	memcpy(request, s->key->id, PROVIDER_KEY_ID);
	memcpy(request + PROVIDER_KEY_ID, input, n);
	if (!ask(thread_fd, request, PROVIDER_KEY_ID + n))
		return (0);
	*out_size = answer(thread_fd, out, size);
	return (*out_size > 0);
}

static const OSSL_DISPATCH signing_functions[] = {
	FUNCTION(OSSL_FUNC_SIGNATURE_NEWCTX, signing_new),
	FUNCTION(OSSL_FUNC_SIGNATURE_FREECTX, signing_free),
	FUNCTION(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, signing_init),
	FUNCTION(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, signing_sign),
	{ 0, NULL },
};

/*
 * The provider.
 */

static const OSSL_ALGORITHM *query(void *provider, int operation, int *no_cache)
{
	static const OSSL_ALGORITHM keys[] = {
		{ "EC:id-ecPublicKey", "provider=" NAME, key_functions, "" },
		{ NULL, NULL, NULL, NULL },
	};
	static const OSSL_ALGORITHM signatures[] = {
		{ "ECDSA", "provider=" NAME, signing_functions, "" },
		{ NULL, NULL, NULL, NULL },
	};

	(void)provider;
	*no_cache = 0;
	if (operation == OSSL_OP_KEYMGMT)
		return (keys);
	return (operation == OSSL_OP_SIGNATURE ? signatures : NULL);
}

static int provider_init(const OSSL_CORE_HANDLE *handle,
    const OSSL_DISPATCH *in, const OSSL_DISPATCH **out, void **context)
{
	static const OSSL_DISPATCH functions[] = {
		FUNCTION(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query),
		{ 0, NULL },
	};
	static char something; /* OpenSSL wants a context that is not NULL. */

	(void)handle;
	(void)in;
	*out = functions;
	*context = &something;
	return (1);
}

enum sn_err provider_setup(struct sn_why *why)
{
	/* Written once, before threads start, and kept until the end. */
	static OSSL_PROVIDER *ours;
	OSSL_LIB_CTX *context = sn_algorithms();

	if (ours != NULL)
		return (SN_OK);
	ERR_clear_error();
	/* Beside OpenSSL's own, which would not load by itself any more. */
	if ((context == NULL && OSSL_PROVIDER_load(NULL, "default") == NULL) ||
	    !OSSL_PROVIDER_add_builtin(context, NAME, provider_init) ||
	    (ours = OSSL_PROVIDER_load(context, NAME)) == NULL ||
	    !EVP_set_default_properties(context, "?provider=default")) {
		ERR_clear_error();
		return (sn_why(why, SN_ECRYPTO,
		    "cannot set up signing through the keeper: OpenSSL did "
		    "not take the provider"));
	}
	return (SN_OK);
}

static EVP_PKEY *build(const uint8_t *id, const uint8_t *point, size_t n,
    const struct curve *curve)
{
	EVP_PKEY_CTX *ctx =
	    EVP_PKEY_CTX_new_from_name(sn_algorithms(), "EC", "provider=" NAME);
	char group[32];
	uint8_t id_copy[PROVIDER_KEY_ID], point_copy[POINT_MAX];
	OSSL_PARAM params[4];
	EVP_PKEY *key = NULL;

	/* OSSL_PARAM takes no const. */
	memcpy(id_copy, id, sizeof(id_copy));
	memcpy(point_copy, point, n);
	memcpy(group, curve->group, strlen(curve->group) + 1);
	params[0] = OSSL_PARAM_construct_octet_string(
	    PARAM_ID, id_copy, sizeof(id_copy));
	params[1] = OSSL_PARAM_construct_octet_string(
	    OSSL_PKEY_PARAM_PUB_KEY, point_copy, n);
	params[2] = OSSL_PARAM_construct_utf8_string(
	    OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
	params[3] = OSSL_PARAM_construct_end();
	if (ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1)
		(void)EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params);
	EVP_PKEY_CTX_free(ctx);
	return (key);
}

enum sn_err provider_key(const X509 *leaf, EVP_PKEY **out, struct sn_why *why)
{
	EVP_PKEY *public = X509_get0_pubkey(leaf);
	uint8_t id[PROVIDER_KEY_ID], point[POINT_MAX];
	const struct curve *curve;
	char group[32];
	size_t n;

	ERR_clear_error();
	if (public == NULL || !EVP_PKEY_is_a(public, "EC") ||
	    !EVP_PKEY_get_group_name(public, group, sizeof(group), &n) ||
	    (curve = curve_find(group)) == NULL ||
	    !EVP_PKEY_get_octet_string_param(
		public, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &n)) {
		ERR_clear_error();
		return (sn_why(why, SN_ECERT,
		    "the server's key is not on P-256 or P-384, and no other "
		    "can be used"));
	}
	sn_cert_key_id(leaf, id);
	if ((*out = build(id, point, n, curve)) == NULL) {
		ERR_clear_error();
		return (sn_why(why, SN_ECRYPTO,
		    "cannot make a key that signs through the keeper"));
	}
	return (SN_OK);
}
