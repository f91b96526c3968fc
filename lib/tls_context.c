#include "lib/tls_internal.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "lib/algorithms.h"

#define PEER_CHAIN_MAX (16 * 1024)

static const unsigned char alpn_list[] = "\x08" SN_TLS_ALPN;
#define ALPN_LIST_SIZE (sizeof(alpn_list) - 1)

static enum sn_err crypto(struct sn_why *why, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	(void)sn_why(why, SN_ECRYPTO, "%s: %s", what,
	    reason != NULL ? reason : "OpenSSL gave no reason");
	ERR_clear_error();
	return (SN_ECRYPTO);
}

/* X509_V_* codes that make OpenSSL send the alert that the verifier chose. */
static const struct {
	int alert, code;
} codes[] = {
	{ SN_TLS_ALERT_NONE, X509_V_OK },
	{ SN_TLS_ALERT_BAD_CERTIFICATE, X509_V_ERR_CERT_REJECTED },
	{ SN_TLS_ALERT_UNSUPPORTED_CERTIFICATE, X509_V_ERR_INVALID_PURPOSE },
	{ SN_TLS_ALERT_CERTIFICATE_REVOKED, X509_V_ERR_CERT_REVOKED },
	{ SN_TLS_ALERT_CERTIFICATE_EXPIRED, X509_V_ERR_CERT_HAS_EXPIRED },
	{ SN_TLS_ALERT_UNKNOWN_CA, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT },
	{ SN_TLS_ALERT_INTERNAL_ERROR, X509_V_ERR_OUT_OF_MEM },
};

static int code_of(int alert)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		if (codes[i].alert == alert)
			return (codes[i].code);
	}
	/* Not in OpenSSL's table, which makes it certificate_unknown. */
	return (X509_V_ERR_UNNESTED_RESOURCE);
}

static struct sn_tls *tls_of_store(X509_STORE_CTX *x)
{
	return (sn_tls_of(X509_STORE_CTX_get_ex_data(
	    x, SSL_get_ex_data_X509_STORE_CTX_idx())));
}

static int verify_client(X509_STORE_CTX *x, void *arg)
{
	struct sn_tls *tls = tls_of_store(x);
	int alert = SN_TLS_ALERT_CERTIFICATE_UNKNOWN;

	(void)arg;
	if (tls->verify != NULL)
		alert =
		    tls->verify(tls->verify_arg, X509_STORE_CTX_get0_cert(x),
			X509_STORE_CTX_get0_untrusted(x));
	X509_STORE_CTX_set_error(x, code_of(alert));
	return (alert == SN_TLS_ALERT_NONE);
}

/* OpenSSL takes a certificate without any extended usage for a server's. */
static int verify_server(X509_STORE_CTX *x, void *arg)
{
	static const struct sn_cert_profile profile = {
		.keys = SN_CERT_KEYS_DEFAULT,
		.eku = NID_server_auth,
	};
	struct sn_tls *tls = tls_of_store(x);
	STACK_OF(X509) * chain;
	X509 *leaf, *issuer;

	(void)arg;
	if (X509_verify_cert(x) <= 0) {
		tls->verified = X509_STORE_CTX_get_error(x);
		return (0);
	}
	chain = X509_STORE_CTX_get0_chain(x);
	leaf = sk_X509_value(chain, 0);
	issuer = sk_X509_value(chain, sk_X509_num(chain) > 1);
	if (sn_cert_check_leaf(leaf, issuer, &profile, NULL) == SN_OK)
		return (1);
	tls->verified = X509_V_ERR_INVALID_PURPOSE;
	X509_STORE_CTX_set_error(x, X509_V_ERR_INVALID_PURPOSE);
	return (0);
}

/* Without an ALPN extension OpenSSL would not ask select_alpn. */
static int require_alpn(SSL *ssl, int *alert, void *arg)
{
	const unsigned char *p;
	size_t n;

	(void)arg;
	if (SSL_client_hello_get0_ext(ssl,
		TLSEXT_TYPE_application_layer_protocol_negotiation, &p, &n))
		return (SSL_CLIENT_HELLO_SUCCESS);
	*alert = SSL_AD_NO_APPLICATION_PROTOCOL;
	return (SSL_CLIENT_HELLO_ERROR);
}

static int select_alpn(SSL *ssl, const unsigned char **out, unsigned char *n,
    const unsigned char *in, unsigned in_n, void *arg)
{
	unsigned char *chosen;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&chosen, n, alpn_list, ALPN_LIST_SIZE, in,
		in_n) != OPENSSL_NPN_NEGOTIATED)
		return (SSL_TLSEXT_ERR_ALERT_FATAL);
	*out = chosen;
	return (SSL_TLSEXT_ERR_OK);
}

/* Alerts in both directions, and handshake messages after the handshake. */
static void note(const SSL *ssl, int where, int value)
{
	struct sn_tls *tls = sn_tls_of(ssl);
	int alert = value & 0xff;
	bool fatal = (value >> 8) == SSL3_AL_FATAL;

	if ((where & SSL_CB_ALERT) != 0) {
		if (fatal && (where & SSL_CB_READ) != 0)
			tls->alert = alert;
		else if (fatal)
			tls->sent = alert;
		return;
	}
	if ((where & SSL_CB_LOOP) != 0 && tls->done)
		tls->renewed++;
}

static bool set_common(SSL_CTX *ctx)
{
	(void)SSL_CTX_set_options(ctx, SN_TLS_OPTIONS);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
					SSL_MODE_ENABLE_PARTIAL_WRITE |
					SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	/*
	 * So that a flood of key updates returns to us after each, and cannot
	 * keep a thread inside one read.
	 */
	(void)SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_max_cert_list(ctx, PEER_CHAIN_MAX);
	SSL_CTX_set_info_callback(ctx, note);
	return (SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) &&
		SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) &&
		SSL_CTX_set_ciphersuites(ctx, SN_TLS_CIPHERS) &&
		SSL_CTX_set1_groups_list(ctx, SN_TLS_GROUPS) &&
		SSL_CTX_set1_sigalgs_list(ctx, SN_TLS_SIGNATURES));
}

static bool set_server(SSL_CTX *ctx)
{
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_verify(
	    ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, verify_client, NULL);
	SSL_CTX_set_client_hello_cb(ctx, require_alpn, NULL);
	SSL_CTX_set_alpn_select_cb(ctx, select_alpn, NULL);
	return (SSL_CTX_set_num_tickets(ctx, 0) &&
		SSL_CTX_set_max_early_data(ctx, 0) &&
		SSL_CTX_set_recv_max_early_data(ctx, 0) &&
		SSL_CTX_set1_client_sigalgs_list(ctx, SN_TLS_SIGNATURES));
}

static bool set_client(SSL_CTX *ctx)
{
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);

	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, verify_server, NULL);
	X509_VERIFY_PARAM_set_hostflags(
	    param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
		       X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	/* What the authority file names is trusted, an issuing CA as well. */
	return (X509_VERIFY_PARAM_set_flags(param,
		    X509_V_FLAG_X509_STRICT | X509_V_FLAG_PARTIAL_CHAIN) &&
		SSL_CTX_set_alpn_protos(ctx, alpn_list, ALPN_LIST_SIZE) == 0);
}

static enum sn_err context_new(
    bool server, struct sn_tls_context **out, struct sn_why *why)
{
	struct sn_tls_context *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return (sn_why(why, SN_ENOMEM, "out of memory"));
	ERR_clear_error();
	c->server = server;
	c->holders = 1;
	c->method = sn_tls_socket_method();
	c->rest = server ? sn_tls_rest_new() : NULL;
	c->ctx = SSL_CTX_new_ex(sn_algorithms(), NULL,
	    server ? TLS_server_method() : TLS_client_method());
	if (c->method == NULL || c->ctx == NULL ||
	    server != (c->rest != NULL) || !set_common(c->ctx) ||
	    !(server ? set_server(c->ctx) : set_client(c->ctx))) {
		sn_tls_context_free(c);
		return (crypto(why, "cannot prepare TLS"));
	}
	*out = c;
	return (SN_OK);
}

static enum sn_err use_identity(SSL_CTX *ctx, const STACK_OF(X509) * chain,
    EVP_PKEY *key, struct sn_why *why)
{
	ERR_clear_error();
	if (!SSL_CTX_use_certificate(ctx, sk_X509_value(chain, 0)))
		return (crypto(why, "cannot use the certificate"));
	for (int i = 1; i < sk_X509_num(chain); i++) {
		if (!SSL_CTX_add1_chain_cert(ctx, sk_X509_value(chain, i)))
			return (crypto(why, "cannot use the chain"));
	}
	if (!SSL_CTX_use_PrivateKey(ctx, key) ||
	    !SSL_CTX_check_private_key(ctx)) {
		ERR_clear_error();
		return (sn_why(why, SN_ECERT,
		    "the private key does not belong to the certificate"));
	}
	return (SN_OK);
}

enum sn_err sn_tls_server_new(struct sn_bytes pem, EVP_PKEY *key,
    struct sn_tls_context **out, struct sn_why *why)
{
	STACK_OF(X509) *chain = NULL;
	struct sn_tls_context *c = NULL;
	enum sn_err err;

	if ((err = sn_cert_read(pem, &chain, why)) != SN_OK ||
	    (err = context_new(true, &c, why)) != SN_OK ||
	    (err = use_identity(c->ctx, chain, key, why)) != SN_OK) {
		sn_tls_context_free(c);
		c = NULL;
	}
	sn_cert_free(chain);
	if (c != NULL)
		*out = c;
	return (err);
}

static enum sn_err use_authority(
    SSL_CTX *ctx, struct sn_bytes pem, struct sn_why *why)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	STACK_OF(X509) *cas = NULL;
	enum sn_err err = sn_cert_read(pem, &cas, why);

	ERR_clear_error();
	for (int i = 0; err == SN_OK && i < sk_X509_num(cas); i++) {
		if (!X509_STORE_add_cert(store, sk_X509_value(cas, i)))
			err = crypto(why, "cannot trust the authority");
	}
	sn_cert_free(cas);
	return (err);
}

static enum sn_err use_own(
    SSL_CTX *ctx, const struct sn_tls_identity *identity, struct sn_why *why)
{
	STACK_OF(X509) *chain = NULL;
	EVP_PKEY *key = NULL;
	enum sn_err err;

	if ((err = sn_cert_read(identity->certificate, &chain, why)) == SN_OK &&
	    (err = sn_cert_read_key(
		 identity->key, identity->passphrase, &key, why)) == SN_OK)
		err = use_identity(ctx, chain, key, why);
	EVP_PKEY_free(key);
	sn_cert_free(chain);
	return (err);
}

enum sn_err sn_tls_client_new(const struct sn_tls_identity *identity,
    struct sn_tls_context **out, struct sn_why *why)
{
	struct sn_tls_context *c;
	enum sn_err err;

	if ((err = context_new(false, &c, why)) != SN_OK)
		return (err);
	if ((err = use_authority(c->ctx, identity->authority, why)) == SN_OK &&
	    identity->certificate.n > 0)
		err = use_own(c->ctx, identity, why);
	c->any_protocol = identity->any_protocol;
	if (c->any_protocol)
		(void)SSL_CTX_set_alpn_protos(c->ctx, NULL, 0);
	if (err != SN_OK) {
		sn_tls_context_free(c);
		return (err);
	}
	*out = c;
	return (SN_OK);
}

struct sn_tls_context *sn_tls_context_hold(struct sn_tls_context *context)
{
	(void)__atomic_add_fetch(&context->holders, 1, __ATOMIC_RELAXED);
	return (context);
}

void sn_tls_context_free(struct sn_tls_context *c)
{
	if (c == NULL ||
	    __atomic_sub_fetch(&c->holders, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	SSL_CTX_free(c->ctx);
	sn_tls_rest_free(c->rest);
	BIO_meth_free(c->method);
	free(c);
}
