#include "lib/tls_internal.h"

#include <pthread.h>
#include <stdlib.h>

#include "lib/algorithms.h"

/*
 * After the handshake OpenSSL keeps, as long as the connection stays, the
 * peer's certificate with its key in the session (5 KB), and a copy of the
 * context's certificates.  A session cannot be emptied, but exchanged for
 * another: one that holds the cipher suite alone, which all connections
 * share.  SSL_set_session would begin anew where the context's method is not
 * the one that was negotiated, so the context is exchanged as well, for one
 * of exactly that method.
 */
#define SUITES_MAX 3

struct sn_tls_rest {
	pthread_mutex_t lock;
	SSL_CTX *ctx; /* NULL: no handshake has been over yet. */
	SSL_SESSION *sessions[SUITES_MAX];
};

struct sn_tls_rest *sn_tls_rest_new(void)
{
	struct sn_tls_rest *rest = calloc(1, sizeof(*rest));

	if (rest != NULL && pthread_mutex_init(&rest->lock, NULL) != 0) {
		free(rest);
		rest = NULL;
	}
	return (rest);
}

void sn_tls_rest_free(struct sn_tls_rest *rest)
{
	if (rest == NULL)
		return;
	for (int i = 0; i < SUITES_MAX; i++)
		SSL_SESSION_free(rest->sessions[i]);
	SSL_CTX_free(rest->ctx);
	pthread_mutex_destroy(&rest->lock);
	free(rest);
}

static SSL_CTX *context_of(struct sn_tls_rest *rest, const SSL *ssl)
{
	if (rest->ctx == NULL) {
		rest->ctx = SSL_CTX_new_ex(
		    sn_algorithms(), NULL, SSL_get_ssl_method(ssl));
		if (rest->ctx != NULL)
			SSL_CTX_set_info_callback(rest->ctx,
			    SSL_CTX_get_info_callback(SSL_get_SSL_CTX(ssl)));
	}
	return (rest->ctx);
}

static SSL_SESSION *session_new(const SSL_CIPHER *suite)
{
	SSL_SESSION *session = SSL_SESSION_new();

	if (session != NULL && SSL_SESSION_set_cipher(session, suite) &&
	    SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION))
		return (session);
	SSL_SESSION_free(session);
	return (NULL);
}

/* That of the connection's suite; it is one of three. */
static SSL_SESSION *session_of(struct sn_tls_rest *rest, const SSL *ssl)
{
	const SSL_CIPHER *suite = SSL_get_current_cipher(ssl);
	SSL_SESSION **at = rest->sessions;

	if (suite == NULL)
		return (NULL);
	while (at < rest->sessions + SUITES_MAX) {
		if (*at == NULL)
			*at = session_new(suite);
		if (*at == NULL || SSL_SESSION_get0_cipher(*at) == suite)
			return (*at);
		at++;
	}
	return (NULL);
}

void sn_tls_rest(struct sn_tls *tls)
{
	struct sn_tls_rest *rest = tls->context->rest;
	SSL_SESSION *session;
	SSL_CTX *ctx;

	if (rest == NULL)
		return;
	pthread_mutex_lock(&rest->lock);
	ctx = context_of(rest, tls->ssl);
	session = session_of(rest, tls->ssl);
	pthread_mutex_unlock(&rest->lock);
	if (ctx == NULL || session == NULL ||
	    SSL_CTX_get_ssl_method(ctx) != SSL_get_ssl_method(tls->ssl))
		return;
	/* What fails leaves the connection as it was, only larger. */
	if (SSL_set_SSL_CTX(tls->ssl, ctx) == ctx)
		(void)SSL_set_session(tls->ssl, session);
}
