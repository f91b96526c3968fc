#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/ssl.h>

#include "lib/tls_internal.h"
#include "tests/unit/pki.h"

static struct pki ca, other, server_id, alice;
static int answer; /* What the verifier says. */

static int verifier(void *arg, X509 *leaf, STACK_OF(X509) * chain)
{
	(void)arg;
	assert_non_null(leaf);
	assert_true(sk_X509_num(chain) >= 1);
	return (answer);
}

static struct sn_tls_context *server_context(const struct pki *id)
{
	struct sn_bytes pem = pki_pem(id->cert, ca.cert);
	struct sn_tls_context *out = NULL;
	struct sn_why why = { "" };

	assert_int_equal(sn_tls_server_new(pem, id->key, &out, &why), SN_OK);
	pki_drop(&pem);
	return (out);
}

static struct sn_tls_context *client_context(
    const struct pki *trusted, const struct pki *id)
{
	struct sn_tls_identity who = { 0 };
	struct sn_tls_context *out = NULL;
	struct sn_why why = { "" };

	who.authority = pki_pem(trusted->cert, NULL);
	if (id != NULL) {
		who.certificate = pki_pem(id->cert, NULL);
		who.key = pki_key_pem(id->key, NULL);
	}
	assert_int_equal(sn_tls_client_new(&who, &out, &why), SN_OK);
	pki_drop(&who.authority);
	pki_drop(&who.certificate);
	pki_drop(&who.key);
	return (out);
}

/* Both ends of one connection. */
struct pair {
	int fd[2];
	struct sn_tls *client, *server;
	enum sn_tls_result at_client, at_server;
};

static void pair_sockets(int fd[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(fcntl(fd[i], F_SETFL, O_NONBLOCK), 0);
}

static void pair_open(struct pair *p, const struct pki *server,
    const struct pki *trusted, const struct pki *id, const char *name)
{
	struct sn_tls_context *s = server_context(server);
	struct sn_tls_context *c = client_context(trusted, id);

	memset(p, 0, sizeof(*p));
	pair_sockets(p->fd);
	assert_int_equal(
	    sn_tls_accept(s, p->fd[0], verifier, NULL, &p->server), SN_OK);
	assert_int_equal(sn_tls_connect(c, p->fd[1], name, &p->client), SN_OK);
	sn_tls_context_free(s);
	sn_tls_context_free(c);
}

static int goes_on(enum sn_tls_result r)
{
	return (r == SN_TLS_WANT_READ || r == SN_TLS_WANT_WRITE);
}

static void pair_shake(struct pair *p)
{
	p->at_client = p->at_server = SN_TLS_WANT_READ;
	for (int i = 0; i < 8; i++) {
		if (goes_on(p->at_client))
			p->at_client = sn_tls_handshake(p->client);
		if (goes_on(p->at_server))
			p->at_server = sn_tls_handshake(p->server);
	}
}

static void pair_close(struct pair *p)
{
	sn_tls_free(p->client);
	sn_tls_free(p->server);
	for (int i = 0; i < 2; i++) {
		if (p->fd[i] >= 0)
			(void)close(p->fd[i]);
	}
}

static void pair_good(struct pair *p)
{
	answer = SN_TLS_ALERT_NONE;
	pair_open(p, &server_id, &ca, &alice, "localhost");
	pair_shake(p);
	assert_int_equal(p->at_client, SN_TLS_OK);
	assert_int_equal(p->at_server, SN_TLS_OK);
}

/* Whose key is of a kind that TLS did not offer would show none at all. */
static void shake_with_key(EVP_PKEY *key)
{
	struct pki_spec spec = { .cn = "alice", .key = key };
	struct pki id = pki_leaf(&ca, &spec);
	struct pair p;

	assert_non_null(key);
	answer = SN_TLS_ALERT_NONE;
	pair_open(&p, &server_id, &ca, &id, "localhost");
	pair_shake(&p);
	assert_int_equal(p.at_client, SN_TLS_OK);
	assert_int_equal(p.at_server, SN_TLS_OK);
	pair_close(&p);
	pki_free(&id);
	EVP_PKEY_free(key);
}

static void clients_come_with_keys_of_each_kind(void **state)
{
	(void)state;
	shake_with_key(EVP_EC_gen("P-256"));
	shake_with_key(EVP_EC_gen("P-384"));
	shake_with_key(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
	shake_with_key(EVP_RSA_gen(2048));
}

static void both_ends_meet_and_carry_bytes(void **state)
{
	struct pair p;
	char in[64];
	size_t n = 0;

	(void)state;
	pair_good(&p);
	assert_int_equal(sn_tls_write(p.client, "hello", 5, &n), SN_TLS_OK);
	assert_int_equal(sn_tls_read(p.server, in, sizeof(in), &n), SN_TLS_OK);
	assert_int_equal(n, 5);
	assert_memory_equal(in, "hello", 5);
	assert_false(sn_tls_more(p.server));
	assert_int_equal(
	    sn_tls_read(p.server, in, sizeof(in), &n), SN_TLS_WANT_READ);
	assert_false(sn_tls_more(p.server));
	assert_int_equal(sn_tls_write(p.server, "back", 4, &n), SN_TLS_OK);
	assert_int_equal(sn_tls_read(p.client, in, 1, &n), SN_TLS_OK);
	assert_true(sn_tls_more(p.client));
	assert_int_equal(sn_tls_read(p.client, in, sizeof(in), &n), SN_TLS_OK);
	assert_int_equal(n, 3);
	assert_int_equal(strncmp(sn_tls_cipher(p.server), "TLS_", 4), 0);
	pair_close(&p);
}

static void exchange(struct pair *p)
{
	char in[8];
	size_t n;

	assert_int_equal(sn_tls_write(p->client, "ask", 3, &n), SN_TLS_OK);
	assert_int_equal(sn_tls_read(p->server, in, sizeof(in), &n), SN_TLS_OK);
	assert_int_equal(n, 3);
	assert_int_equal(sn_tls_write(p->server, "told", 4, &n), SN_TLS_OK);
	assert_int_equal(sn_tls_read(p->client, in, sizeof(in), &n), SN_TLS_OK);
	assert_int_equal(n, 4);
}

static void what_waits_inside_tls_is_known_to_wait(void **state)
{
	struct pair p;
	char in[8];
	size_t n;

	(void)state;
	pair_good(&p);
	/* Two records that one read of the socket brings. */
	assert_int_equal(sn_tls_write(p.client, "one", 3, &n), SN_TLS_OK);
	assert_int_equal(sn_tls_write(p.client, "two", 3, &n), SN_TLS_OK);
	assert_int_equal(sn_tls_read(p.server, in, sizeof(in), &n), SN_TLS_OK);
	assert_int_equal(n, 3);
	assert_true(sn_tls_more(p.server));
	assert_int_equal(sn_tls_read(p.server, in, sizeof(in), &n), SN_TLS_OK);
	assert_memory_equal(in, "two", 3);
	assert_false(sn_tls_more(p.server));
	pair_close(&p);
}

/* Through new keys of both ends as well. */
static void shake_with_suite(const struct sn_tls_context *s, const char *suite)
{
	struct sn_tls_context *c = client_context(&ca, &alice);
	struct pair p = { 0 };

	answer = SN_TLS_ALERT_NONE;
	pair_sockets(p.fd);
	assert_true(SSL_CTX_set_ciphersuites(c->ctx, suite));
	assert_int_equal(sn_tls_accept((struct sn_tls_context *)s, p.fd[0],
			     verifier, NULL, &p.server),
	    SN_OK);
	assert_int_equal(
	    sn_tls_connect(c, p.fd[1], "localhost", &p.client), SN_OK);
	pair_shake(&p);
	assert_int_equal(p.at_server, SN_TLS_OK);
	assert_string_equal(sn_tls_cipher(p.server), suite);
	assert_null(SSL_get0_peer_certificate(p.server->ssl));
	assert_null(SSL_get_peer_cert_chain(p.server->ssl));
	exchange(&p);
	assert_true(SSL_key_update(p.client->ssl, SSL_KEY_UPDATE_REQUESTED));
	exchange(&p);
	exchange(&p);
	pair_close(&p);
	sn_tls_context_free(c);
}

static void a_server_keeps_the_suite_and_none_of_the_clients_certificates(
    void **state)
{
	struct sn_tls_context *s = server_context(&server_id);

	(void)state;
	shake_with_suite(s, "TLS_AES_128_GCM_SHA256");
	shake_with_suite(s, "TLS_AES_256_GCM_SHA384");
	shake_with_suite(s, "TLS_CHACHA20_POLY1305_SHA256");
	shake_with_suite(s, "TLS_AES_256_GCM_SHA384");
	sn_tls_context_free(s);
}

static void close_notify_is_an_end_and_its_absence_a_truncation(void **state)
{
	struct pair p;
	char in[8];
	size_t n;

	(void)state;
	pair_good(&p);
	assert_int_equal(sn_tls_shutdown(p.client), SN_TLS_OK);
	(void)close(p.fd[1]);
	p.fd[1] = -1;
	assert_int_equal(
	    sn_tls_read(p.server, in, sizeof(in), &n), SN_TLS_CLOSED);
	pair_close(&p);

	pair_good(&p);
	(void)close(p.fd[1]);
	p.fd[1] = -1;
	assert_int_equal(
	    sn_tls_read(p.server, in, sizeof(in), &n), SN_TLS_TRUNCATED);
	pair_close(&p);

	/* One that still listens gets an alert, and is no less gone. */
	pair_good(&p);
	assert_int_equal(shutdown(p.fd[1], SHUT_WR), 0);
	assert_int_equal(
	    sn_tls_read(p.server, in, sizeof(in), &n), SN_TLS_TRUNCATED);
	pair_close(&p);
}

static void writing_to_a_peer_that_left_fails_without_a_signal(void **state)
{
	struct pair p;
	size_t n;

	(void)state;
	pair_good(&p);
	(void)close(p.fd[0]);
	p.fd[0] = -1;
	assert_int_equal(sn_tls_write(p.client, "x", 1, &n), SN_TLS_TRUNCATED);
	pair_close(&p);
}

static void a_client_without_a_certificate_is_told_that_one_is_needed(
    void **state)
{
	struct sn_why why = { "" };
	struct pair p;
	char in[8];
	size_t n;

	(void)state;
	pair_open(&p, &server_id, &ca, NULL, "localhost");
	pair_shake(&p);
	assert_int_equal(p.at_server, SN_TLS_FAILED);
	assert_int_equal(
	    sn_tls_sent(p.server), SN_TLS_ALERT_CERTIFICATE_REQUIRED);
	assert_int_equal(p.at_client, SN_TLS_OK);
	assert_int_equal(
	    sn_tls_read(p.client, in, sizeof(in), &n), SN_TLS_FAILED);
	assert_int_equal(
	    sn_tls_alert(p.client), SN_TLS_ALERT_CERTIFICATE_REQUIRED);
	assert_int_equal(sn_tls_why(p.client, "localhost", &why), SN_ECERT);
	assert_non_null(strstr(why.text, "localhost asks for a certificate"));
	pair_close(&p);
}

static void the_verifiers_alert_reaches_the_client_as_it_is(void **state)
{
	static const struct {
		int alert;
		enum sn_err err;
	} each[] = {
		{ SN_TLS_ALERT_BAD_CERTIFICATE, SN_ECERT },
		{ SN_TLS_ALERT_UNSUPPORTED_CERTIFICATE, SN_ECERT },
		{ SN_TLS_ALERT_CERTIFICATE_REVOKED, SN_EREVOKED },
		{ SN_TLS_ALERT_CERTIFICATE_EXPIRED, SN_EEXPIRED },
		{ SN_TLS_ALERT_CERTIFICATE_UNKNOWN, SN_ECERT },
		{ SN_TLS_ALERT_UNKNOWN_CA, SN_ECERT },
		{ SN_TLS_ALERT_INTERNAL_ERROR, SN_EPROTO },
	};
	struct sn_why why;
	struct pair p;
	char in[8];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(each) / sizeof(*each); i++) {
		answer = each[i].alert;
		pair_open(&p, &server_id, &ca, &alice, "localhost");
		pair_shake(&p);
		assert_int_equal(p.at_server, SN_TLS_FAILED);
		assert_int_equal(
		    sn_tls_read(p.client, in, sizeof(in), &n), SN_TLS_FAILED);
		assert_int_equal(sn_tls_alert(p.client), each[i].alert);
		assert_int_equal(
		    sn_tls_why(p.client, "localhost", &why), each[i].err);
		pair_close(&p);
	}
}

static void a_refusal_is_heard_even_when_writing_comes_first(void **state)
{
	struct pair p;
	size_t n;

	(void)state;
	answer = SN_TLS_ALERT_CERTIFICATE_REVOKED;
	pair_open(&p, &server_id, &ca, &alice, "localhost");
	pair_shake(&p);
	(void)close(p.fd[0]);
	p.fd[0] = -1;
	assert_int_equal(sn_tls_write(p.client, "x", 1, &n), SN_TLS_FAILED);
	assert_int_equal(
	    sn_tls_alert(p.client), SN_TLS_ALERT_CERTIFICATE_REVOKED);
	pair_close(&p);
}

static void without_a_verifier_nobody_comes_in(void **state)
{
	struct sn_tls_context *s = server_context(&server_id);
	struct sn_tls_context *c = client_context(&ca, &alice);
	struct pair p = { 0 };

	(void)state;
	pair_sockets(p.fd);
	assert_int_equal(
	    sn_tls_accept(s, p.fd[0], NULL, NULL, &p.server), SN_OK);
	assert_int_equal(
	    sn_tls_connect(c, p.fd[1], "localhost", &p.client), SN_OK);
	pair_shake(&p);
	assert_int_equal(p.at_server, SN_TLS_FAILED);
	pair_close(&p);
	sn_tls_context_free(s);
	sn_tls_context_free(c);
}

/* The client meets this server and must refuse it with these words. */
static void client_refuses(const struct pki *server, const struct pki *trusted,
    const char *name, const char *words)
{
	struct sn_why why = { "" };
	struct pair p;

	answer = SN_TLS_ALERT_NONE;
	pair_open(&p, server, trusted, &alice, name);
	pair_shake(&p);
	assert_int_equal(p.at_client, SN_TLS_FAILED);
	assert_int_not_equal(p.at_server, SN_TLS_OK);
	assert_int_equal(sn_tls_why(p.client, name, &why), SN_EDENIED);
	assert_non_null(strstr(why.text, words));
	pair_close(&p);
}

static void client_accepts(const struct pki *server, const char *name)
{
	struct pair p;

	answer = SN_TLS_ALERT_NONE;
	pair_open(&p, server, &ca, &alice, name);
	pair_shake(&p);
	assert_int_equal(p.at_client, SN_TLS_OK);
	pair_close(&p);
}

static void a_server_under_another_name_is_refused(void **state)
{
	(void)state;
	client_accepts(&server_id, "localhost");
	client_accepts(&server_id, "127.0.0.1");
	client_refuses(&server_id, &ca, "localhost.example", "another name");
	client_refuses(&server_id, &ca, "127.0.0.2", "another name");
	/* The CN is "server", and does not count. */
	client_refuses(&server_id, &ca, "server", "another name");
}

static void a_server_of_another_authority_is_refused(void **state)
{
	(void)state;
	client_refuses(&server_id, &other, "localhost", "your authority");
}

static void an_expired_or_early_server_is_refused(void **state)
{
	struct pki_spec spec = { .cn = "server",
		.from = -2 * PKI_DAY,
		.until = -PKI_DAY,
		.ext = { { "extendedKeyUsage", "serverAuth" },
		    { "subjectAltName", "DNS:localhost" } } };
	struct pki late = pki_leaf(&ca, &spec), early;

	(void)state;
	spec.from = PKI_DAY;
	spec.until = 2 * PKI_DAY;
	early = pki_leaf(&ca, &spec);
	client_refuses(&late, &ca, "localhost", "has expired");
	client_refuses(&early, &ca, "localhost", "not valid yet");
	pki_free(&late);
	pki_free(&early);
}

static void a_clients_certificate_is_no_servers(void **state)
{
	struct pki_spec spec = { .cn = "mallory",
		.ext = { { "subjectAltName", "DNS:localhost" } } };
	struct pki client = pki_leaf(&ca, &spec), none;

	(void)state;
	spec.ext[1][0] = "extendedKeyUsage"; /* Left out. */
	none = pki_leaf(&ca, &spec);
	client_refuses(&client, &ca, "localhost", "not one of a server");
	client_refuses(&none, &ca, "localhost", "not one of a server");
	pki_free(&client);
	pki_free(&none);
}

/* A client made of bare OpenSSL, which does what ours never would. */
static SSL_CTX *bare_context(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	assert_non_null(ctx);
	assert_true(SSL_CTX_use_certificate(ctx, alice.cert));
	assert_true(SSL_CTX_use_PrivateKey(ctx, alice.key));
	return (ctx);
}

struct bare {
	int fd[2];
	SSL *client;
	struct sn_tls *server;
	enum sn_tls_result at_server;
	int at_client;
};

static void bare_shake(struct bare *b, SSL_CTX *ctx)
{
	struct sn_tls_context *s = server_context(&server_id);

	answer = SN_TLS_ALERT_NONE;
	pair_sockets(b->fd);
	assert_int_equal(
	    sn_tls_accept(s, b->fd[0], verifier, NULL, &b->server), SN_OK);
	sn_tls_context_free(s);
	b->client = SSL_new(ctx);
	assert_true(SSL_set_fd(b->client, b->fd[1]));
	b->at_server = SN_TLS_WANT_READ;
	for (int i = 0; i < 8; i++) {
		b->at_client = SSL_connect(b->client);
		if (goes_on(b->at_server))
			b->at_server = sn_tls_handshake(b->server);
	}
}

static void bare_close(struct bare *b)
{
	SSL_free(b->client);
	sn_tls_free(b->server);
	(void)close(b->fd[0]);
	(void)close(b->fd[1]);
}

static void bare_meets(SSL_CTX *ctx, int alert)
{
	struct bare b;

	bare_shake(&b, ctx);
	if (alert == SN_TLS_ALERT_NONE) {
		assert_int_equal(b.at_server, SN_TLS_OK);
	} else {
		assert_int_equal(b.at_server, SN_TLS_FAILED);
		assert_int_equal(sn_tls_sent(b.server), alert);
	}
	bare_close(&b);
}

static void only_our_protocol_over_tls_1_3_is_spoken(void **state)
{
	SSL_CTX *ctx = bare_context();

	(void)state;
	bare_meets(ctx, SN_TLS_ALERT_NO_APPLICATION_PROTOCOL);
	SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)"\x02h2", 3);
	bare_meets(ctx, SN_TLS_ALERT_NO_APPLICATION_PROTOCOL);
	SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)"\x08sicher/2", 9);
	bare_meets(ctx, SN_TLS_ALERT_NO_APPLICATION_PROTOCOL);
	SSL_CTX_set_alpn_protos(
	    ctx, (const unsigned char *)"\x02h2\x08sicher/1", 12);
	bare_meets(ctx, SN_TLS_ALERT_NONE);
	SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
	bare_meets(ctx, SN_TLS_ALERT_PROTOCOL_VERSION);
	SSL_CTX_free(ctx);
}

/* One that speaks TLS 1.3 and takes no notice of the protocol's name. */
static void a_server_that_names_no_protocol_is_refused(void **state)
{
	struct sn_tls_context *c = client_context(&ca, &alice);
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	enum sn_tls_result r = SN_TLS_WANT_READ;
	struct sn_why why = { "" };
	struct sn_tls *tls;
	SSL *server;
	int fd[2];

	(void)state;
	assert_true(SSL_CTX_use_certificate(ctx, server_id.cert));
	assert_true(SSL_CTX_use_PrivateKey(ctx, server_id.key));
	pair_sockets(fd);
	server = SSL_new(ctx);
	assert_true(SSL_set_fd(server, fd[0]));
	assert_int_equal(sn_tls_connect(c, fd[1], "localhost", &tls), SN_OK);
	for (int i = 0; i < 4 && goes_on(r); i++) {
		r = sn_tls_handshake(tls);
		(void)SSL_accept(server);
	}
	assert_int_equal(r, SN_TLS_FAILED);
	assert_int_equal(sn_tls_why(tls, "localhost", &why), SN_EPROTO);
	SSL_free(server);
	SSL_CTX_free(ctx);
	sn_tls_free(tls);
	sn_tls_context_free(c);
	(void)close(fd[0]);
	(void)close(fd[1]);
}

static int tickets;

static int count_ticket(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl;
	(void)session;
	tickets++;
	return (0);
}

static void no_session_ticket_is_ever_sent(void **state)
{
	SSL_CTX *ctx = bare_context();
	struct bare b;
	char in[8];
	size_t n;

	(void)state;
	tickets = 0;
	SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)"\x08sicher/1", 9);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT);
	SSL_CTX_sess_set_new_cb(ctx, count_ticket);
	bare_shake(&b, ctx);
	assert_int_equal(sn_tls_write(b.server, "x", 1, &n), SN_TLS_OK);
	assert_int_equal(SSL_read(b.client, in, sizeof(in)), 1);
	assert_int_equal(tickets, 0);
	bare_close(&b);
	SSL_CTX_free(ctx);
}

static void a_few_key_updates_pass_and_a_flood_ends_the_connection(void **state)
{
	enum sn_tls_result r = SN_TLS_OK;
	SSL_CTX *ctx = bare_context();
	struct bare b;
	char in[8];
	size_t n = 0;

	(void)state;
	SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)"\x08sicher/1", 9);
	bare_shake(&b, ctx);
	for (int i = 0; i < 4; i++)
		assert_true(
		    SSL_key_update(b.client, SSL_KEY_UPDATE_REQUESTED) &&
		    SSL_do_handshake(b.client) == 1);
	assert_int_equal(SSL_write(b.client, "x", 1), 1);
	assert_int_equal(sn_tls_read(b.server, in, sizeof(in), &n), SN_TLS_OK);
	assert_int_equal(n, 1);
	for (int i = 0; i < 1000 && r != SN_TLS_FAILED; i++) {
		(void)SSL_key_update(b.client, SSL_KEY_UPDATE_NOT_REQUESTED);
		(void)SSL_do_handshake(b.client);
		r = sn_tls_read(b.server, in, sizeof(in), &n);
		assert_int_not_equal(r, SN_TLS_OK);
	}
	assert_int_equal(r, SN_TLS_FAILED);
	bare_close(&b);
	SSL_CTX_free(ctx);
}

static void a_chain_above_16_kib_is_refused(void **state)
{
	char names[4096] = "DNS:localhost";
	struct pki_spec spec = { .cn = "padding" };
	SSL_CTX *ctx = bare_context();
	struct pki fat;

	(void)state;
	SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)"\x08sicher/1", 9);
	for (int i = 0; strlen(names) < sizeof(names) - 64; i++)
		(void)snprintf(names + strlen(names), 64, ",DNS:n%d.a.b", i);
	spec.ext[0][0] = "subjectAltName";
	spec.ext[0][1] = names;
	fat = pki_leaf(&ca, &spec);
	for (int i = 0; i < 3; i++)
		assert_true(SSL_CTX_add1_chain_cert(ctx, fat.cert));
	bare_meets(ctx, SN_TLS_ALERT_NONE);
	for (int i = 0; i < 4; i++)
		assert_true(SSL_CTX_add1_chain_cert(ctx, fat.cert));
	bare_meets(ctx, SN_TLS_ALERT_ILLEGAL_PARAMETER);
	pki_free(&fat);
	SSL_CTX_free(ctx);
}

static void garbage_is_no_handshake(void **state)
{
	struct sn_tls_context *s = server_context(&server_id);
	struct sn_tls *tls;
	int fd[2];

	(void)state;
	pair_sockets(fd);
	assert_int_equal(sn_tls_accept(s, fd[0], verifier, NULL, &tls), SN_OK);
	assert_int_equal(sn_tls_handshake(tls), SN_TLS_WANT_READ);
	assert_int_equal(write(fd[1], "GET / HTTP/1.1\r\n\r\n", 18), 18);
	assert_int_equal(sn_tls_handshake(tls), SN_TLS_FAILED);
	assert_true(strlen(sn_tls_reason(tls)) > 0);
	sn_tls_free(tls);
	sn_tls_context_free(s);
	(void)close(fd[0]);
	(void)close(fd[1]);
}

/* Over TCP, where closing with unread input resets the connection. */
static void the_alert_survives_what_the_client_sent_beside(void **state)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	/* A handshake record of a message that there is not. */
	static const char junk[20000] = "\x16\x03\x01\x40\0\xfe";
	struct sn_tls_context *s = server_context(&server_id);
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd[2];
	socklen_t size = sizeof(at);
	struct sn_tls *tls;
	char in[64];

	(void)state;
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(
	    getsockname(listener, (struct sockaddr *)&at, &size), 0);
	fd[1] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd[1], (struct sockaddr *)&at, sizeof(at)), 0);
	fd[0] = accept(listener, NULL, NULL);
	assert_int_equal(
	    send(fd[1], junk, sizeof(junk), 0), (ssize_t)sizeof(junk));
	assert_int_equal(sn_tls_accept(s, fd[0], verifier, NULL, &tls), SN_OK);
	assert_int_equal(sn_tls_handshake(tls), SN_TLS_FAILED);
	(void)close(fd[0]);
	/* An alert record of two octets, and the end: no reset. */
	assert_int_equal(recv(fd[1], in, sizeof(in), MSG_WAITALL), 7);
	assert_int_equal(in[0], 21);
	assert_int_equal(recv(fd[1], in, sizeof(in), 0), 0);
	sn_tls_free(tls);
	sn_tls_context_free(s);
	(void)close(fd[1]);
	(void)close(listener);
}

static void a_server_of_another_kind_is_named_as_one(void **state)
{
	struct sn_tls_context *c = client_context(&ca, &alice);
	struct sn_why why = { "" };
	struct sn_tls *tls;
	int fd[2];

	(void)state;
	pair_sockets(fd);
	assert_int_equal(sn_tls_connect(c, fd[1], "localhost", &tls), SN_OK);
	assert_int_equal(sn_tls_handshake(tls), SN_TLS_WANT_READ);
	assert_int_equal(write(fd[0], "SSH-2.0-x\r\n", 11), 11);
	assert_int_equal(sn_tls_handshake(tls), SN_TLS_FAILED);
	assert_int_equal(sn_tls_why(tls, "localhost", &why), SN_EPROTO);
	assert_non_null(strstr(why.text, "check host and port"));
	sn_tls_free(tls);
	sn_tls_context_free(c);
	(void)close(fd[0]);
	(void)close(fd[1]);
}

static void a_key_of_another_certificate_is_refused(void **state)
{
	struct sn_bytes pem = pki_pem(server_id.cert, NULL);
	struct sn_tls_context *out = NULL;
	struct sn_why why = { "" };

	(void)state;
	assert_int_equal(
	    sn_tls_server_new(pem, alice.key, &out, &why), SN_ECERT);
	assert_null(out);
	assert_non_null(strstr(why.text, "does not belong"));
	pki_drop(&pem);
}

static enum sn_err with_passphrase(const char *sealed, const char *given)
{
	struct sn_tls_identity who = { 0 };
	struct sn_tls_context *out = NULL;
	struct sn_secret secret = { 0 };
	struct sn_why why;
	enum sn_err err;

	who.authority = pki_pem(ca.cert, NULL);
	who.certificate = pki_pem(alice.cert, NULL);
	who.key = pki_key_pem(alice.key, sealed);
	if (given != NULL) {
		assert_int_equal(
		    sn_secret_copy(given, strlen(given), &secret), SN_OK);
		who.passphrase = &secret;
	}
	err = sn_tls_client_new(&who, &out, &why);
	sn_tls_context_free(out);
	sn_secret_free(&secret);
	pki_drop(&who.authority);
	pki_drop(&who.certificate);
	pki_drop(&who.key);
	return (err);
}

static void an_encrypted_key_opens_with_its_passphrase_only(void **state)
{
	(void)state;
	assert_int_equal(with_passphrase("right", "right"), SN_OK);
	assert_int_equal(with_passphrase("right", "wrong"), SN_EPASSPHRASE);
	assert_int_equal(with_passphrase("right", NULL), SN_EPASSPHRASE);
	assert_int_equal(with_passphrase(NULL, NULL), SN_OK);
}

static void a_server_name_that_is_neither_host_nor_address_is_refused(
    void **state)
{
	struct sn_tls_context *c = client_context(&ca, &alice);
	struct sn_tls *tls = NULL;

	(void)state;
	assert_int_equal(sn_tls_connect(c, 0, "", &tls), SN_EINVAL);
	assert_int_equal(sn_tls_connect(c, 0, "a b", &tls), SN_EINVAL);
	assert_int_equal(sn_tls_connect(c, 0, "*.example", &tls), SN_EINVAL);
	assert_int_equal(sn_tls_connect(c, 0, "::1", &tls), SN_OK);
	sn_tls_free(tls);
	sn_tls_context_free(c);
}

static int setup(void **state)
{
	(void)state;
	ca = pki_ca(NULL, "Test CA");
	other = pki_ca(NULL, "Other CA");
	server_id = pki_server(&ca, "DNS:localhost,IP:127.0.0.1");
	alice = pki_client(&ca, "alice");
	return (0);
}

static int teardown(void **state)
{
	(void)state;
	pki_free(&ca);
	pki_free(&other);
	pki_free(&server_id);
	pki_free(&alice);
	return (0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ends_meet_and_carry_bytes),
		cmocka_unit_test(clients_come_with_keys_of_each_kind),
		cmocka_unit_test(what_waits_inside_tls_is_known_to_wait),
		cmocka_unit_test(
		    a_server_keeps_the_suite_and_none_of_the_clients_certificates),
		cmocka_unit_test(
		    close_notify_is_an_end_and_its_absence_a_truncation),
		cmocka_unit_test(
		    writing_to_a_peer_that_left_fails_without_a_signal),
		cmocka_unit_test(
		    a_client_without_a_certificate_is_told_that_one_is_needed),
		cmocka_unit_test(
		    the_verifiers_alert_reaches_the_client_as_it_is),
		cmocka_unit_test(
		    a_refusal_is_heard_even_when_writing_comes_first),
		cmocka_unit_test(without_a_verifier_nobody_comes_in),
		cmocka_unit_test(a_server_under_another_name_is_refused),
		cmocka_unit_test(a_server_of_another_authority_is_refused),
		cmocka_unit_test(an_expired_or_early_server_is_refused),
		cmocka_unit_test(a_clients_certificate_is_no_servers),
		cmocka_unit_test(only_our_protocol_over_tls_1_3_is_spoken),
		cmocka_unit_test(a_server_that_names_no_protocol_is_refused),
		cmocka_unit_test(no_session_ticket_is_ever_sent),
		cmocka_unit_test(
		    a_few_key_updates_pass_and_a_flood_ends_the_connection),
		cmocka_unit_test(a_chain_above_16_kib_is_refused),
		cmocka_unit_test(garbage_is_no_handshake),
		cmocka_unit_test(
		    the_alert_survives_what_the_client_sent_beside),
		cmocka_unit_test(a_server_of_another_kind_is_named_as_one),
		cmocka_unit_test(a_key_of_another_certificate_is_refused),
		cmocka_unit_test(
		    an_encrypted_key_opens_with_its_passphrase_only),
		cmocka_unit_test(
		    a_server_name_that_is_neither_host_nor_address_is_refused),
	};

	return (cmocka_run_group_tests(tests, setup, teardown));
}
