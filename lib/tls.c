#include "lib/tls_internal.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/err.h>

/* A GnuTLS peer renews its key every 2^24 records; nobody needs more. */
#define RENEWALS_MAX 256

/* What is read of a peer that failed, at most; see sn_tls_discard. */
#define DRAIN_MAX (64 * 1024)

/* Clearing walks the whole queue, which is empty nearly every time. */
static void clear_errors(void)
{
	if (ERR_peek_error() != 0)
		ERR_clear_error();
}

struct sn_tls *sn_tls_of(const SSL *ssl)
{
	return (SSL_get_app_data(ssl));
}

static struct sn_tls *tls_new(struct sn_tls_context *context, int fd)
{
	struct sn_tls *tls = calloc(1, sizeof(*tls));
	BIO *bio = NULL;

	if (tls == NULL)
		return (NULL);
	clear_errors();
	tls->context = context;
	tls->fd = fd;
	tls->alert = SN_TLS_ALERT_NONE;
	tls->sent = SN_TLS_ALERT_NONE;
	tls->verified = X509_V_OK;
	tls->ssl = SSL_new(context->ctx);
	if (tls->ssl == NULL || (bio = sn_tls_socket(tls)) == NULL) {
		SSL_free(tls->ssl);
		free(tls);
		return (NULL);
	}
	(void)__atomic_add_fetch(&context->holders, 1, __ATOMIC_RELAXED);
	(void)SSL_set_app_data(tls->ssl, tls);
	SSL_set_bio(tls->ssl, bio, bio);
	return (tls);
}

enum sn_err sn_tls_accept(struct sn_tls_context *context, int fd,
    sn_tls_verify *verify, void *arg, struct sn_tls **out)
{
	struct sn_tls *tls = tls_new(context, fd);

	if (tls == NULL)
		return (SN_ENOMEM);
	tls->verify = verify;
	tls->verify_arg = arg;
	SSL_set_accept_state(tls->ssl);
	*out = tls;
	return (SN_OK);
}

static bool is_address(const char *name)
{
	unsigned char out[16];

	return (inet_pton(AF_INET, name, out) == 1 ||
		inet_pton(AF_INET6, name, out) == 1);
}

static bool is_host(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < n; i++) {
		if (!isalnum((unsigned char)name[i]) && name[i] != '-' &&
		    name[i] != '.')
			return (false);
	}
	return (n > 0 && n <= 253);
}

enum sn_err sn_tls_connect(struct sn_tls_context *context, int fd,
    const char *server, struct sn_tls **out)
{
	bool address = is_address(server);
	X509_VERIFY_PARAM *param;
	struct sn_tls *tls;
	int ok;

	if (!address && !is_host(server))
		return (SN_EINVAL);
	if ((tls = tls_new(context, fd)) == NULL)
		return (SN_ENOMEM);
	param = SSL_get0_param(tls->ssl);
	if (address)
		ok = X509_VERIFY_PARAM_set1_ip_asc(param, server);
	else
		ok = X509_VERIFY_PARAM_set1_host(param, server, 0) &&
		     SSL_set_tlsext_host_name(tls->ssl, server);
	if (!ok) {
		sn_tls_free(tls);
		return (SN_ENOMEM);
	}
	SSL_set_connect_state(tls->ssl);
	*out = tls;
	return (SN_OK);
}

void sn_tls_free(struct sn_tls *tls)
{
	if (tls == NULL)
		return;
	SSL_free(tls->ssl);
	sn_tls_context_free(tls->context);
	free(tls);
}

static enum sn_tls_result fail(struct sn_tls *tls, const char *reason)
{
	tls->reason = reason;
	return (SN_TLS_FAILED);
}

static enum sn_tls_result failure(struct sn_tls *tls)
{
	unsigned long e = ERR_peek_error();
	const char *reason = ERR_reason_error_string(e);

	clear_errors();
	if (tls->alert != SN_TLS_ALERT_NONE)
		return (fail(tls, reason != NULL ? reason : "alert"));
	/* OpenSSL answers the end of the stream with an alert: look first. */
	if (tls->eof || tls->system != 0) {
		tls->reason = tls->eof ? "end of stream" : "socket failed";
		return (SN_TLS_TRUNCATED);
	}
	return (fail(tls, reason != NULL ? reason : "unknown"));
}

/* The one translation of what an SSL_* call returned. */
static enum sn_tls_result result_of(struct sn_tls *tls, int ret)
{
	switch (SSL_get_error(tls->ssl, ret)) {
	case SSL_ERROR_NONE:
		return (SN_TLS_OK);
	case SSL_ERROR_WANT_READ:
		return (SN_TLS_WANT_READ);
	case SSL_ERROR_WANT_WRITE:
		return (SN_TLS_WANT_WRITE);
	case SSL_ERROR_ZERO_RETURN:
		return (SN_TLS_CLOSED);
	default:
		return (failure(tls));
	}
}

static bool has_alpn(const struct sn_tls *tls)
{
	const unsigned char *p;
	unsigned n;

	SSL_get0_alpn_selected(tls->ssl, &p, &n);
	return (n == sizeof(SN_TLS_ALPN) - 1 && memcmp(p, SN_TLS_ALPN, n) == 0);
}

/*
 * Closing a socket with unread input resets the connection, and the alert
 * that says why is lost on its way.
 */
bool sn_tls_discard(struct sn_tls *tls)
{
	char rest[4096];
	ssize_t got;

	for (size_t n = 0; n < DRAIN_MAX; n += sizeof(rest)) {
		got = recv(tls->fd, rest, sizeof(rest), MSG_DONTWAIT);
		if (got < 0)
			return (errno == EAGAIN || errno == EINTR);
		if (got == 0)
			return (false);
	}
	return (true);
}

enum sn_tls_result sn_tls_handshake(struct sn_tls *tls)
{
	enum sn_tls_result result;

	do {
		clear_errors();
		tls->starved = false;
		result = result_of(tls, SSL_do_handshake(tls->ssl));
	} while (result == SN_TLS_WANT_READ && !tls->starved);
	if (result == SN_TLS_FAILED)
		(void)sn_tls_discard(tls);
	if (result != SN_TLS_OK)
		return (result == SN_TLS_CLOSED ? SN_TLS_TRUNCATED : result);
	if (!tls->context->any_protocol && !has_alpn(tls))
		return (fail(tls, "no application protocol"));
	tls->done = true;
	sn_tls_rest(tls);
	return (SN_TLS_OK);
}

enum sn_tls_result sn_tls_read(
    struct sn_tls *tls, void *out, size_t size, size_t *n)
{
	enum sn_tls_result result;

	/* Records without data end a call before the socket is empty. */
	do {
		clear_errors();
		tls->starved = false;
		result = result_of(tls, SSL_read_ex(tls->ssl, out, size, n));
		if (tls->renewed > RENEWALS_MAX)
			return (fail(tls, "too many handshake messages"));
	} while (result == SN_TLS_WANT_READ && !tls->starved);
	return (result);
}

/* The server may have refused us before the write failed: hear why. */
static void listen_once(struct sn_tls *tls)
{
	char byte;
	size_t n;

	clear_errors();
	(void)SSL_peek_ex(tls->ssl, &byte, 1, &n);
	clear_errors();
}

enum sn_tls_result sn_tls_write(
    struct sn_tls *tls, const void *p, size_t size, size_t *n)
{
	enum sn_tls_result result;

	clear_errors();
	result = result_of(tls, SSL_write_ex(tls->ssl, p, size, n));
	if (result != SN_TLS_TRUNCATED || tls->context->server)
		return (result);
	listen_once(tls);
	return (tls->alert != SN_TLS_ALERT_NONE ? SN_TLS_FAILED : result);
}

enum sn_tls_result sn_tls_shutdown(struct sn_tls *tls)
{
	int ret;

	if (!tls->done)
		return (SN_TLS_OK);
	clear_errors();
	ret = SSL_shutdown(tls->ssl);
	/* 0: ours is sent, the peer's has not come. */
	return (ret >= 0 ? SN_TLS_OK : result_of(tls, ret));
}

bool sn_tls_more(const struct sn_tls *tls)
{
	return (!tls->drained || SSL_has_pending(tls->ssl));
}

int sn_tls_alert(const struct sn_tls *tls)
{
	return (tls->alert);
}

int sn_tls_sent(const struct sn_tls *tls)
{
	return (tls->sent);
}

const char *sn_tls_reason(const struct sn_tls *tls)
{
	return (tls->reason != NULL ? tls->reason : "");
}

const char *sn_tls_cipher(const struct sn_tls *tls)
{
	const char *name = SSL_get_cipher_name(tls->ssl);

	return (name != NULL && tls->done ? name : "");
}
