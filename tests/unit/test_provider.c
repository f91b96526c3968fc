#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/ssl.h>

#include "lib/cert.h"
#include "lib/tls.h"
#include "server/keeper/provider.h"
#include "tests/unit/pki.h"

/* A keeper that signs whatever it is asked, and remembers the request. */
struct keeper {
	int fd;
	EVP_PKEY *key;
	const EVP_MD *digest;
	uint8_t request[512];
	ssize_t size;
	int mode; /* 0: sign; 1: say no; 2: hang up; 3: sign and say no */
};

static struct pki ca, alice;

static void *keeper_main(void *arg)
{
	struct keeper *k = arg;
	uint8_t reply[PROVIDER_REPLY_MAX] = { 0 };
	size_t n = sizeof(reply) - 1;
	EVP_MD_CTX *md = EVP_MD_CTX_new();

	k->size = recv(k->fd, k->request, sizeof(k->request), 0);
	if (k->mode == 1) {
		reply[0] = 1;
		(void)send(k->fd, reply, 1, 0);
	} else if (k->mode != 2 && k->size > PROVIDER_KEY_ID &&
		   EVP_DigestSignInit(md, NULL, k->digest, NULL, k->key) == 1 &&
		   EVP_DigestSign(md, reply + 1, &n,
		       k->request + PROVIDER_KEY_ID,
		       (size_t)k->size - PROVIDER_KEY_ID) == 1) {
		reply[0] = k->mode == 3;
		(void)send(k->fd, reply, n + 1, 0);
	}
	(void)close(k->fd);
	EVP_MD_CTX_free(md);
	return (NULL);
}

static int let_in(void *arg, X509 *leaf, STACK_OF(X509) * chain)
{
	(void)arg;
	(void)leaf;
	(void)chain;
	return (SN_TLS_ALERT_NONE);
}

static struct sn_tls *client_of(int fd)
{
	struct sn_tls_identity who = { 0 };
	struct sn_tls_context *c = NULL;
	struct sn_tls *tls = NULL;

	who.authority = pki_pem(ca.cert, NULL);
	who.certificate = pki_pem(alice.cert, NULL);
	who.key = pki_key_pem(alice.key, NULL);
	assert_int_equal(sn_tls_client_new(&who, &c, NULL), SN_OK);
	assert_int_equal(sn_tls_connect(c, fd, "localhost", &tls), SN_OK);
	sn_tls_context_free(c);
	pki_drop(&who.authority);
	pki_drop(&who.certificate);
	pki_drop(&who.key);
	return (tls);
}

static struct sn_tls *server_of(int fd, const struct pki *id)
{
	struct sn_bytes pem = pki_pem(id->cert, NULL);
	struct sn_tls_context *s = NULL;
	struct sn_why why = { "" };
	struct sn_tls *tls = NULL;
	EVP_PKEY *key = NULL;

	assert_int_equal(provider_key(id->cert, &key, &why), SN_OK);
	assert_int_equal(sn_tls_server_new(pem, key, &s, &why), SN_OK);
	EVP_PKEY_free(key);
	assert_int_equal(sn_tls_accept(s, fd, let_in, NULL, &tls), SN_OK);
	sn_tls_context_free(s);
	pki_drop(&pem);
	return (tls);
}

static int goes_on(enum sn_tls_result r)
{
	return (r == SN_TLS_WANT_READ || r == SN_TLS_WANT_WRITE);
}

/* A handshake whose server asks ${k} for its signature. */
static enum sn_tls_result shake(const struct pki *id, struct keeper *k)
{
	enum sn_tls_result c = SN_TLS_WANT_READ, s = SN_TLS_WANT_READ;
	int keeper[2], net[2];
	struct sn_tls *client, *server;
	pthread_t thread;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, keeper), 0);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, net), 0);
	k->fd = keeper[1];
	assert_int_equal(pthread_create(&thread, NULL, keeper_main, k), 0);
	provider_thread_fd(keeper[0]);
	server = server_of(net[0], id);
	client = client_of(net[1]);
	for (int i = 0; i < 8; i++) {
		if (goes_on(c))
			c = sn_tls_handshake(client);
		if (goes_on(s))
			s = sn_tls_handshake(server);
	}
	provider_thread_fd(-1);
	(void)close(keeper[0]);
	assert_int_equal(pthread_join(thread, NULL), 0);
	sn_tls_free(client);
	sn_tls_free(server);
	(void)close(net[0]);
	(void)close(net[1]);
	return (s);
}

static struct pki make_server(const char *curve)
{
	struct pki_spec spec = { .cn = "server",
		.curve = curve,
		.ext = { { "extendedKeyUsage", "serverAuth" },
		    { "subjectAltName", "DNS:localhost" } } };

	return (pki_leaf(&ca, &spec));
}

static void a_handshake_is_signed_by_whoever_holds_the_key(void **state)
{
	struct pki id = make_server("P-256");
	struct keeper k = { .key = id.key, .digest = EVP_sha256() };
	static const char text[] = "TLS 1.3, server CertificateVerify";
	uint8_t key_id[32];

	(void)state;
	assert_int_equal(shake(&id, &k), SN_TLS_OK);
	sn_cert_key_id(id.cert, key_id);
	assert_memory_equal(k.request, key_id, 32);
	for (int i = 32; i < 96; i++)
		assert_int_equal(k.request[i], 0x20);
	assert_memory_equal(k.request + 96, text, sizeof(text));
	assert_true(k.size == 32 + 98 + 32 || k.size == 32 + 98 + 48);
	pki_free(&id);
}

static void a_key_on_p384_signs_too(void **state)
{
	struct pki id = make_server("P-384");
	struct keeper k = { .key = id.key, .digest = EVP_sha384() };

	(void)state;
	assert_int_equal(shake(&id, &k), SN_TLS_OK);
	pki_free(&id);
}

static void a_keeper_that_refuses_or_leaves_fails_one_handshake(void **state)
{
	struct pki id = make_server("P-256");
	struct keeper k = { .key = id.key, .digest = EVP_sha256() };

	(void)state;
	for (k.mode = 3; k.mode >= 0; k.mode--)
		assert_int_equal(
		    shake(&id, &k), k.mode == 0 ? SN_TLS_OK : SN_TLS_FAILED);
	pki_free(&id);
}

static void a_signature_of_another_key_convinces_no_client(void **state)
{
	struct pki id = make_server("P-256");
	struct keeper k = { .key = alice.key, .digest = EVP_sha256() };

	(void)state;
	assert_int_not_equal(shake(&id, &k), SN_TLS_OK);
	pki_free(&id);
}

static void without_a_socket_nothing_is_signed(void **state)
{
	struct pki id = make_server("P-256");
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t out[128];
	size_t n = sizeof(out);
	EVP_PKEY *key = NULL;

	(void)state;
	assert_int_equal(provider_key(id.cert, &key, NULL), SN_OK);
	provider_thread_fd(-1);
	assert_int_equal(
	    EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key), 1);
	assert_int_not_equal(
	    EVP_DigestSign(md, out, &n, (const uint8_t *)"x", 1), 1);
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(key);
	pki_free(&id);
}

static void nothing_longer_than_a_handshake_signs_is_asked(void **state)
{
	struct pki id = make_server("P-256");
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t out[128], in[PROVIDER_INPUT_MAX + 1] = { 0 }, seen;
	size_t n = sizeof(out);
	EVP_PKEY *key = NULL;
	int fd[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd), 0);
	assert_int_equal(provider_key(id.cert, &key, NULL), SN_OK);
	provider_thread_fd(fd[0]);
	(void)shutdown(fd[1], SHUT_WR); /* No answer will come. */
	assert_int_equal(
	    EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key), 1);
	assert_int_not_equal(EVP_DigestSign(md, out, &n, in, sizeof(in)), 1);
	assert_int_equal(recv(fd[1], &seen, 1, MSG_DONTWAIT), -1);
	ERR_clear_error();
	provider_thread_fd(-1);
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(key);
	pki_free(&id);
	(void)close(fd[0]);
	(void)close(fd[1]);
}

static void a_key_is_equal_to_its_own_certificates_only(void **state)
{
	struct pki id = make_server("P-256");
	EVP_PKEY *key = NULL;

	(void)state;
	assert_int_equal(provider_key(id.cert, &key, NULL), SN_OK);
	assert_int_equal(X509_check_private_key(id.cert, key), 1);
	assert_int_not_equal(X509_check_private_key(alice.cert, key), 1);
	ERR_clear_error();
	EVP_PKEY_free(key);
	pki_free(&id);
}

static void keys_that_are_not_on_p256_or_p384_are_refused(void **state)
{
	struct pki_spec spec = { .cn = "server" };
	struct sn_why why = { "" };
	EVP_PKEY *key = NULL;
	struct pki id;

	(void)state;
	spec.key = EVP_RSA_gen(2048);
	id = pki_leaf(&ca, &spec);
	assert_int_equal(provider_key(id.cert, &key, &why), SN_ECERT);
	assert_non_null(strstr(why.text, "P-256"));
	EVP_PKEY_free(spec.key);
	pki_free(&id);
	spec.key = NULL;
	spec.curve = "P-521";
	id = pki_leaf(&ca, &spec);
	assert_int_equal(provider_key(id.cert, &key, &why), SN_ECERT);
	assert_null(key);
	pki_free(&id);
}

static void openssl_keeps_its_own_keys_for_everything_else(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	(void)state;
	assert_string_equal(
	    OSSL_PROVIDER_get0_name(EVP_PKEY_get0_provider(key)), "default");
	EVP_PKEY_free(key);
}

static int setup(void **state)
{
	(void)state;
	assert_int_equal(provider_setup(NULL), SN_OK);
	ca = pki_ca(NULL, "Test CA");
	alice = pki_client(&ca, "alice");
	return (0);
}

static int teardown(void **state)
{
	(void)state;
	pki_free(&ca);
	pki_free(&alice);
	return (0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_handshake_is_signed_by_whoever_holds_the_key),
		cmocka_unit_test(a_key_on_p384_signs_too),
		cmocka_unit_test(
		    a_keeper_that_refuses_or_leaves_fails_one_handshake),
		cmocka_unit_test(
		    a_signature_of_another_key_convinces_no_client),
		cmocka_unit_test(without_a_socket_nothing_is_signed),
		cmocka_unit_test(
		    nothing_longer_than_a_handshake_signs_is_asked),
		cmocka_unit_test(a_key_is_equal_to_its_own_certificates_only),
		cmocka_unit_test(keys_that_are_not_on_p256_or_p384_are_refused),
		cmocka_unit_test(
		    openssl_keeps_its_own_keys_for_everything_else),
	};

	return (cmocka_run_group_tests(tests, setup, teardown));
}
