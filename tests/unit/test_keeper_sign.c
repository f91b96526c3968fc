#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/clock.h"
#include "tests/unit/keeper_house.h"

#define VERIFY "TLS 1.3, server CertificateVerify"
#define REQUEST_MAX 512

static int set_up(void **state)
{
	*state = house_new();
	return (0);
}

static int tear_down(void **state)
{
	house_free(*state);
	return (0);
}

static bool verifies(EVP_PKEY *key, const EVP_MD *digest,
    const uint8_t *request, size_t n, const uint8_t *reply, ssize_t got)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok;

	ok = got > 1 && reply[0] == 0 &&
	     EVP_DigestVerifyInit(ctx, NULL, digest, NULL, key) == 1 &&
	     EVP_DigestVerify(
		 ctx, reply + 1, (size_t)got - 1, request + 32, n - 32) == 1;
	EVP_MD_CTX_free(ctx);
	return (ok);
}

static void a_servers_certificate_verify_is_signed(void **state)
{
	static const size_t hashes[] = { 32, 48 };
	struct house *h = *state;
	uint8_t request[REQUEST_MAX], reply[PROVIDER_REPLY_MAX];

	for (size_t i = 0; i < 2; i++) {
		size_t n = house_request(h, VERIFY, hashes[i], request);
		ssize_t got = house_sign(h, request, n, reply);

		assert_true(verifies(
		    h->server.key, EVP_sha256(), request, n, reply, got));
	}
	assert_int_equal(house_status(h, "signatures"), 2);
}

static void refused(struct house *h, const uint8_t *request, size_t n, int why)
{
	uint8_t reply[PROVIDER_REPLY_MAX];

	assert_int_equal(house_sign(h, request, n, reply), 1);
	assert_int_equal(reply[0], why);
}

static void nothing_else_is_signed(void **state)
{
	struct house *h = *state;
	uint8_t request[REQUEST_MAX];
	size_t n;

	n = house_request(h, "TLS 1.3, client CertificateVerify", 32, request);
	refused(h, request, n, KEEPER_SIGN_MALFORMED);
	n = house_request(h, "TLS 1.3, server CertificateVerifx", 32, request);
	refused(h, request, n, KEEPER_SIGN_MALFORMED);
	n = house_request(h, VERIFY, 48, request);
	for (size_t len = 0; len <= n + 1; len++) {
		if (len != n && len != n - 16 && len > 0)
			refused(h, request, len, KEEPER_SIGN_MALFORMED);
	}
	for (size_t i = 32; i < 32 + HOUSE_PREFIX; i++) {
		request[i] ^= 1;
		refused(h, request, n, KEEPER_SIGN_MALFORMED);
		request[i] ^= 1;
	}
	memset(request, 'x', sizeof(request));
	refused(h, request, sizeof(request), KEEPER_SIGN_MALFORMED);
	assert_int_equal(house_status(h, "signatures"), 0);
	assert_true(house_status(h, "signatures_refused") > 100);
}

static void a_key_that_is_not_there_does_not_sign(void **state)
{
	struct house *h = *state;
	uint8_t request[REQUEST_MAX];
	size_t n = house_request(h, VERIFY, 32, request);

	request[0] ^= 1;
	refused(h, request, n, KEEPER_SIGN_NO_KEY);
}

static const char *reload(
    struct house *h, const struct pki *key, const struct pki *cert)
{
	struct sn_bytes key_pem = pki_key_pem(key->key, NULL);
	struct sn_bytes chain = pki_pem(cert->cert, h->ca.cert);
	int fds[2] = { house_memfd(key_pem), house_memfd(chain) };
	const char *code;

	code = house_ctl_fds(h, "{\"id\":1,\"cmd\":\"reload\"}", fds, 2);
	(void)close(fds[0]);
	(void)close(fds[1]);
	pki_drop(&key_pem);
	pki_drop(&chain);
	return (code);
}

static void after_a_reload_both_keys_sign_and_a_wrong_one_is_refused(
    void **state)
{
	struct house *h = *state;
	struct pki_spec spec = { .cn = "server",
		.curve = "P-384",
		.ext = { { "extendedKeyUsage", "serverAuth" } } };
	struct pki next = pki_leaf(&h->ca, &spec), old = h->server;
	uint8_t request[REQUEST_MAX], reply[PROVIDER_REPLY_MAX];
	size_t n;

	assert_string_equal(reload(h, &next, &old), "bad-key");
	assert_string_equal(reload(h, &next, &next), "");
	assert_string_equal(reload(h, &next, &next), "");
	n = house_request(h, VERIFY, 32, request);
	assert_true(verifies(old.key, EVP_sha256(), request, n, reply,
	    house_sign(h, request, n, reply)));
	h->server = next;
	n = house_request(h, VERIFY, 32, request);
	assert_true(verifies(next.key, EVP_sha384(), request, n, reply,
	    house_sign(h, request, n, reply)));
	h->server = old;
	pki_free(&next);
}

static void more_than_the_rate_is_not_signed(void **state)
{
	struct house *h = *state;
	uint8_t request[REQUEST_MAX], reply[PROVIDER_REPLY_MAX];
	size_t n = house_request(h, VERIFY, 32, request);
	unsigned made = 0;

	house_stop(h);
	h->policy.sign_rate = 5;
	house_start(h);
	for (int i = 0; i < 20; i++)
		made += house_sign(h, request, n, reply) > 1;
	assert_in_range(made, 5, 10);
	refused(h, request, n, KEEPER_SIGN_RATE);
	assert_int_equal(house_status(h, "signatures_over_rate"), 21 - made);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return ((x > y) - (x < y));
}

/* Not a limit, for machines differ; but a signature may not wait for the
 * whole of an Argon2. */
static void signing_goes_on_while_passwords_are_checked(void **state)
{
	enum { ROUNDS = 400 };
	struct house *h = *state;
	uint8_t request[REQUEST_MAX], reply[PROVIDER_REPLY_MAX], fp[32] = { 5 };
	uint64_t took[ROUNDS], start;
	size_t n = house_request(h, VERIFY, 32, request);

	house_stop(h);
	h->policy.cost = (struct argon_cost){ 19 * 1024, 2, 1 };
	h->policy.workers = 2;
	house_start(h);
	assert_string_equal(house_ctl(h, "{\"id\":1,\"cmd\":\"create\","
					 "\"account_id\":7,"
					 "\"password\":\"correct horse\"}"),
	    "");
	for (uint8_t i = 1; i <= 8; i++) {
		fp[1] = i;
		assert_int_equal(keeper_client_login(h->client, i, 7, fp,
				     sn_bytes_of("correct horse")),
		    SN_OK);
	}
	for (int i = 0; i < ROUNDS; i++) {
		start = sn_clock_mono();
		assert_true(house_sign(h, request, n, reply) > 1);
		took[i] = sn_clock_mono() - start;
	}
	qsort(took, ROUNDS, sizeof(took[0]), by_value);
	print_message("sign round trip beside Argon2: median %llu us, "
		      "99th %llu us\n",
	    (unsigned long long)took[ROUNDS / 2] / 1000,
	    (unsigned long long)took[ROUNDS * 99 / 100] / 1000);
	assert_true(took[ROUNDS / 2] < 20 * SN_NS_PER_MS);
	house_wait(h, 8);
}

static void *spin(void *stop)
{
	while (!atomic_load((atomic_bool *)stop))
		;
	return (NULL);
}

/* Where other work takes all processors for ever, people still log in. */
static void passwords_are_looked_at_on_a_busy_machine(void **state)
{
	enum { A_CORE = 2, MOST = 64 };
	long count = A_CORE * sysconf(_SC_NPROCESSORS_ONLN);
	struct house *h = *state;
	atomic_bool stop = false;
	pthread_t threads[MOST];
	uint8_t fp[32] = { 6 };
	long started = 0;

	house_stop(h);
	h->policy.cost = (struct argon_cost){ 19 * 1024, 2, 1 };
	house_start(h);
	assert_string_equal(house_ctl(h, "{\"id\":1,\"cmd\":\"create\","
					 "\"account_id\":8,"
					 "\"password\":\"correct horse\"}"),
	    "");
	while (started < count && started < MOST &&
	       pthread_create(&threads[started], NULL, spin, &stop) == 0)
		started++;
	assert_int_equal(keeper_client_login(
			     h->client, 1, 8, fp, sn_bytes_of("correct horse")),
	    SN_OK);
	house_wait(h, h->answers + 1);
	atomic_store(&stop, true);
	while (started > 0)
		(void)pthread_join(threads[--started], NULL);
	assert_int_equal(h->last.verdict, KEEPER_OK);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_servers_certificate_verify_is_signed),
		T(nothing_else_is_signed),
		T(a_key_that_is_not_there_does_not_sign),
		T(after_a_reload_both_keys_sign_and_a_wrong_one_is_refused),
		T(more_than_the_rate_is_not_signed),
		T(signing_goes_on_while_passwords_are_checked),
		T(passwords_are_looked_at_on_a_busy_machine),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
