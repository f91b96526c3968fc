#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/rand.h>

#include "lib/algorithms.h"
#include "lib/cert.h"
#include "tests/unit/pki.h"

static bool has_digest(const char *name)
{
	EVP_MD *md = EVP_MD_fetch(sn_algorithms(), name, NULL);

	ERR_clear_error();
	EVP_MD_free(md);
	return (md != NULL);
}

static bool has_cipher(const char *name)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(sn_algorithms(), name, NULL);

	ERR_clear_error();
	EVP_CIPHER_free(cipher);
	return (cipher != NULL);
}

static bool has_key(const char *name)
{
	EVP_KEYMGMT *keys = EVP_KEYMGMT_fetch(sn_algorithms(), name, NULL);

	ERR_clear_error();
	EVP_KEYMGMT_free(keys);
	return (keys != NULL);
}

static void what_tls_needs_is_there_and_nothing_else(void **state)
{
	static const char *const digests[] = { "SHA1", "SHA256", "SHA384",
		"SHA512", NULL };
	static const char *const ciphers[] = { "AES-128-GCM", "AES-256-GCM",
		"ChaCha20-Poly1305", NULL };
	static const char *const keys[] = { "EC", "RSA", "RSA-PSS", "ED25519",
		"X25519", NULL };
	static const char *const not_keys[] = { "DSA", "DH", "SM2", "ED448",
		NULL };

	(void)state;
	assert_non_null(sn_algorithms());
	assert_ptr_equal(sn_algorithms(), sn_algorithms());
	for (int i = 0; digests[i] != NULL; i++)
		assert_true(has_digest(digests[i]));
	for (int i = 0; ciphers[i] != NULL; i++)
		assert_true(has_cipher(ciphers[i]));
	for (int i = 0; keys[i] != NULL; i++)
		assert_true(has_key(keys[i]));
	assert_false(has_digest("MD5"));
	assert_false(has_cipher("AES-128-CBC"));
	for (int i = 0; not_keys[i] != NULL; i++)
		assert_false(has_key(not_keys[i]));
}

/* Read as the server reads it, with what its key is good for. */
static void check_read(EVP_PKEY *key, bool readable)
{
	struct pki ca = pki_ca(NULL, "Test CA");
	struct pki_spec spec = { .cn = "alice", .key = key };
	struct pki id = pki_leaf(&ca, &spec);
	struct sn_bytes pem = pki_pem(id.cert, ca.cert);
	STACK_OF(X509) *chain = NULL;

	assert_non_null(key);
	assert_int_equal(sn_cert_read(pem, &chain, NULL), SN_OK);
	assert_int_equal(sk_X509_num(chain), 2);
	assert_int_equal(
	    X509_get0_pubkey(sk_X509_value(chain, 0)) != NULL, readable);
	/* The issuer's key verifies, through these algorithms. */
	assert_int_equal(X509_verify(sk_X509_value(chain, 0),
			     X509_get0_pubkey(sk_X509_value(chain, 1))),
	    1);
	ERR_clear_error();
	sn_cert_free(chain);
	pki_drop(&pem);
	pki_free(&id);
	pki_free(&ca);
	EVP_PKEY_free(key);
}

static void keys_that_certificates_may_have_are_read(void **state)
{
	(void)state;
	check_read(EVP_EC_gen("P-256"), true);
	check_read(EVP_EC_gen("P-384"), true);
	check_read(EVP_RSA_gen(2048), true);
	check_read(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), true);
	check_read(EVP_PKEY_Q_keygen(NULL, NULL, "ED448"), false);
}

static void random_bytes_differ(void **state)
{
	uint8_t a[32] = { 0 }, b[32] = { 0 };

	(void)state;
	assert_int_equal(RAND_bytes_ex(sn_algorithms(), a, sizeof(a), 0), 1);
	assert_int_equal(RAND_bytes_ex(sn_algorithms(), b, sizeof(b), 0), 1);
	assert_memory_not_equal(a, b, sizeof(a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_tls_needs_is_there_and_nothing_else),
		cmocka_unit_test(keys_that_certificates_may_have_are_read),
		cmocka_unit_test(random_bytes_differ),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
