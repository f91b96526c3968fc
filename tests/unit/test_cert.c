#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/cert.h"
#include "lib/tls_alert.h"
#include "tests/unit/pki.h"

static struct pki ca;

static const struct sn_cert_profile client = {
	.keys = SN_CERT_KEYS_DEFAULT,
	.eku = NID_client_auth,
};

/* ${word} is what the refusal must say, or NULL where there must be none. */
static void judge(
    X509 *cert, const struct sn_cert_profile *profile, const char *word)
{
	struct sn_cert_refusal r = { .word = "" };
	unsigned char *der = NULL;
	int n = i2d_X509(cert, &der);
	const unsigned char *p = der;
	X509 *read = d2i_X509(NULL, &p, n); /* As it comes over the wire. */
	enum sn_err err;

	assert_non_null(read);
	err = sn_cert_check_leaf(read, ca.cert, profile, &r);
	X509_free(read);
	OPENSSL_free(der);
	assert_string_equal(r.word, word != NULL ? word : "");
	assert_int_equal(err, word != NULL ? SN_ECERT : SN_OK);
}

static void leaf_meets(const struct pki_spec *spec, const char *word)
{
	struct pki leaf = pki_leaf(&ca, spec);

	judge(leaf.cert, &client, word);
	pki_free(&leaf);
}

/* A leaf with this extension (${value} NULL: without it). */
static void with_extension(
    const char *name, const char *value, const char *word)
{
	struct pki_spec spec = { .cn = "alice" };

	spec.ext[0][0] = name;
	spec.ext[0][1] = value;
	leaf_meets(&spec, word);
}

static void the_usual_leaf_is_good(void **state)
{
	struct pki_spec spec = { .cn = "alice" };

	(void)state;
	leaf_meets(&spec, NULL);
}

static void a_leaf_must_be_for_clients_and_not_for_anything(void **state)
{
	static const char eku[] = "extendedKeyUsage";

	(void)state;
	with_extension(eku, "clientAuth", NULL);
	with_extension(eku, "serverAuth,clientAuth", NULL);
	with_extension(eku, NULL, "no-client-auth");
	with_extension(eku, "serverAuth", "no-client-auth");
	with_extension(eku, "emailProtection", "no-client-auth");
	with_extension(eku, "anyExtendedKeyUsage", "no-client-auth");
	with_extension(eku, "clientAuth,anyExtendedKeyUsage", "any-usage");
}

static void a_leaf_must_sign_and_not_sign_certificates(void **state)
{
	static const char usage[] = "keyUsage";

	(void)state;
	with_extension(usage, "critical,digitalSignature", NULL);
	with_extension(usage, "digitalSignature,keyEncipherment", NULL);
	with_extension(usage, NULL, "no-digital-signature");
	with_extension(usage, "keyEncipherment", "no-digital-signature");
	with_extension(usage, "keyAgreement", "no-digital-signature");
	with_extension(
	    usage, "digitalSignature,keyCertSign", "signs-certificates");
	with_extension(usage, "digitalSignature,cRLSign", "signs-certificates");
}

static void a_leaf_is_no_authority(void **state)
{
	static const char basic[] = "basicConstraints";

	(void)state;
	with_extension(basic, "critical,CA:FALSE", NULL);
	with_extension(basic, NULL, NULL);
	with_extension(basic, "critical,CA:TRUE", "is-ca");
	with_extension(basic, "CA:TRUE,pathlen:0", "is-ca");
}

static void a_leaf_names_the_key_of_its_issuer(void **state)
{
	(void)state;
	with_extension("authorityKeyIdentifier", NULL, "no-authority-key");
	with_extension("subjectKeyIdentifier", NULL, NULL);
}

static void unknown_extensions_pass_unless_they_are_critical(void **state)
{
	(void)state;
	with_extension("1.2.3.4.5", "ASN1:UTF8:hello", NULL);
	with_extension("1.2.3.4.5", "critical,ASN1:UTF8:hello", "critical");
}

static void an_extension_comes_once(void **state)
{
	struct pki_spec spec = { .cn = "alice",
		.ext = { { "1.2.3.4.5", "ASN1:UTF8:a" },
		    { "1.2.3.4.6", "ASN1:UTF8:a" } } };

	(void)state;
	leaf_meets(&spec, NULL);
	spec.ext[1][0] = "1.2.3.4.5";
	leaf_meets(&spec, "twice");
}

/* ${n} more extensions than the five of a leaf. */
static void many_extensions(int n, const char *word)
{
	struct pki_spec spec = { .cn = "alice" };
	struct pki leaf = pki_leaf(&ca, &spec);

	for (int i = 0; i < n; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "1.2.3.4.%d", i);
		pki_ext(leaf.cert, ca.cert, name, "ASN1:NULL");
	}
	assert_true(X509_sign(leaf.cert, ca.key, EVP_sha256()));
	judge(leaf.cert, &client, word);
	pki_free(&leaf);
}

static void there_are_only_so_many_extensions(void **state)
{
	(void)state;
	many_extensions(27, NULL);
	many_extensions(28, "extensions");
}

static void an_extension_that_cannot_be_read_is_refused(void **state)
{
	(void)state;
	with_extension("basicConstraints", "DER:040100", "extensions");
}

static void the_version_is_3(void **state)
{
	struct pki_spec spec = { .cn = "alice", .version2 = 1 };

	(void)state;
	leaf_meets(&spec, "version");
}

static void the_serial_is_positive_and_has_20_octets_at_most(void **state)
{
	static const struct {
		const char *hex;
		enum sn_err err;
	} each[] = {
		{ "1", SN_OK },
		{ "7fffffffffffffffffffffffffffffffffffffff", SN_OK },
		{ "80000000000000000000000000000000000000", SN_OK },
		{ "0", SN_ECERT },
		{ "-1", SN_ECERT },
		{ "8000000000000000000000000000000000000000", SN_ECERT },
		{ "010000000000000000000000000000000000000000", SN_ECERT },
	};
	uint8_t out[SN_CERT_SERIAL];

	(void)state;
	for (size_t i = 0; i < sizeof(each) / sizeof(*each); i++) {
		BIGNUM *n = NULL;
		ASN1_INTEGER *serial;

		assert_true(BN_hex2bn(&n, each[i].hex) > 0);
		serial = BN_to_ASN1_INTEGER(n, NULL);
		assert_int_equal(sn_cert_serial(serial, out), each[i].err);
		ASN1_INTEGER_free(serial);
		BN_free(n);
	}
}

static void a_leaf_with_a_bad_serial_is_refused(void **state)
{
	struct pki_spec spec = { .cn = "alice", .serial = -5 };

	(void)state;
	leaf_meets(&spec, "serial");
}

static void a_leaf_has_a_subject(void **state)
{
	struct pki_spec spec = { .cn = NULL };

	(void)state;
	leaf_meets(&spec, "no-subject");
}

static void weak_digests_are_refused(void **state)
{
	struct pki_spec spec = { .cn = "alice" };

	(void)state;
	spec.digest = EVP_sha384();
	leaf_meets(&spec, NULL);
	spec.digest = EVP_sha1();
	leaf_meets(&spec, "weak-signature");
	spec.digest = EVP_sha224();
	leaf_meets(&spec, "weak-signature");
}

static void on_curve(const char *curve, unsigned keys, const char *word)
{
	struct sn_cert_profile profile = { keys, NID_client_auth };
	struct pki_spec spec = { .cn = "alice", .curve = curve };
	struct pki leaf = pki_leaf(&ca, &spec);

	judge(leaf.cert, &profile, word);
	pki_free(&leaf);
}

static void with_key(EVP_PKEY *key, unsigned keys, const char *word)
{
	struct sn_cert_profile profile = { keys, NID_client_auth };
	struct pki_spec spec = { .cn = "alice", .key = key };
	struct pki leaf;

	assert_non_null(key);
	leaf = pki_leaf(&ca, &spec);
	judge(leaf.cert, &profile, word);
	pki_free(&leaf);
	EVP_PKEY_free(key);
}

static EVP_PKEY *rsa_with_exponent(unsigned long exponent)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, NULL);
	BIGNUM *e = BN_new();
	EVP_PKEY *key = NULL;

	assert_true(BN_set_word(e, exponent));
	assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
	assert_true(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 2048) > 0);
	assert_true(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, e) > 0);
	assert_int_equal(EVP_PKEY_generate(ctx, &key), 1);
	EVP_PKEY_CTX_free(ctx);
	BN_free(e);
	return (key);
}

static void only_allowed_keys_pass(void **state)
{
	(void)state;
	on_curve("P-256", SN_CERT_P256, NULL);
	on_curve("P-256", SN_CERT_P384, "key");
	on_curve("P-384", SN_CERT_P384, NULL);
	on_curve("P-384", SN_CERT_P256, "key");
	on_curve("P-521", SN_CERT_KEYS_DEFAULT, "key");
	on_curve("P-192", SN_CERT_KEYS_DEFAULT, "key");
	on_curve("secp256k1", SN_CERT_KEYS_DEFAULT, "key");
	with_key(
	    EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), SN_CERT_ED25519, NULL);
	with_key(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), SN_CERT_P256, "key");
	with_key(EVP_PKEY_Q_keygen(NULL, NULL, "ED448"), ~0U, "key");
	with_key(EVP_RSA_gen(2048), SN_CERT_RSA2048, NULL);
	with_key(EVP_RSA_gen(2048), SN_CERT_RSA3072, "key");
	with_key(EVP_RSA_gen(3072), SN_CERT_RSA3072, NULL);
	with_key(EVP_RSA_gen(1024), ~0U, "key");
	with_key(EVP_RSA_gen(2047), ~0U, "key");
	with_key(rsa_with_exponent(3), ~0U, "key");
	with_key(rsa_with_exponent(65539), SN_CERT_RSA2048, NULL);
}

static void a_curve_that_is_written_out_is_refused(void **state)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;

	(void)state;
	assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
	assert_int_equal(
	    EVP_PKEY_CTX_set_ec_paramgen_curve_nid(ctx, NID_X9_62_prime256v1),
	    1);
	assert_int_equal(EVP_PKEY_CTX_set_ec_param_enc(ctx, 0), 1);
	assert_int_equal(EVP_PKEY_generate(ctx, &key), 1);
	EVP_PKEY_CTX_free(ctx);
	with_key(key, ~0U, "key");
}

static void a_leaf_does_not_outlive_its_issuer(void **state)
{
	struct pki_spec spec = { .cn = "alice", .from = -60 };

	(void)state;
	spec.until = 9 * PKI_DAY - 60;
	leaf_meets(&spec, NULL);
	spec.until = 9 * PKI_DAY + 3600;
	leaf_meets(&spec, "outlives-issuer");
}

static void a_leaf_begins_before_it_ends(void **state)
{
	struct pki_spec spec = { .cn = "alice", .from = 60, .until = -60 };

	(void)state;
	leaf_meets(&spec, "inverted");
}

static void a_server_profile_asks_for_server_auth(void **state)
{
	static const struct sn_cert_profile server = {
		.keys = SN_CERT_KEYS_DEFAULT,
		.eku = NID_server_auth,
	};
	struct pki good = pki_server(&ca, "DNS:localhost");
	struct pki bad = pki_client(&ca, "alice");

	(void)state;
	judge(good.cert, &server, NULL);
	judge(bad.cert, &server, "no-server-auth");
	pki_free(&good);
	pki_free(&bad);
}

static void time_is(const char *text, int type, enum sn_err err, int64_t want)
{
	ASN1_TIME *t = ASN1_STRING_type_new(type);
	int64_t got;

	assert_true(ASN1_STRING_set(t, text, -1));
	assert_int_equal(sn_cert_time(t, &got), err);
	assert_int_equal(got, want);
	ASN1_STRING_free(t);
}

static void times_are_written_in_one_way(void **state)
{
	const int utc = V_ASN1_UTCTIME, general = V_ASN1_GENERALIZEDTIME;

	(void)state;
	time_is("261124093000Z", utc, SN_OK, 1795512600);
	time_is("20261124093000Z", general, SN_OK, 1795512600);
	time_is("491231235959Z", utc, SN_OK, 2524607999);
	time_is("20500101000000Z", general, SN_OK, 2524608000);
	time_is("99991231235959Z", general, SN_OK, 253402300799);
	time_is("2611240930Z", utc, SN_ECERT, 0);
	time_is("261124093000+0100", utc, SN_ECERT, 0);
	time_is("261324093000Z", utc, SN_ECERT, 0);
	time_is("26112409300xZ", utc, SN_ECERT, 0);
	time_is("2611240930000", utc, SN_ECERT, 0);
	time_is("20261124093000.5Z", general, SN_ECERT, 0);
	time_is("20261124093000", general, SN_ECERT, 0);
}

static void ca_meets(const struct pki_spec *spec, const char *word)
{
	struct sn_cert_refusal r = { .word = "" };
	struct pki made = pki_make(NULL, pki_ca_ext, spec);

	assert_int_equal(
	    sn_cert_check_ca(made.cert, &r), word != NULL ? SN_ECERT : SN_OK);
	assert_string_equal(r.word, word != NULL ? word : "");
	pki_free(&made);
}

static void an_authority_has_the_shape_of_one(void **state)
{
	static const struct {
		const char *name, *value, *word;
	} each[] = {
		{ "basicConstraints", "critical,CA:TRUE,pathlen:0", NULL },
		{ "basicConstraints", "CA:TRUE", "not-ca" },
		{ "basicConstraints", "critical,CA:FALSE", "not-ca" },
		{ "basicConstraints", NULL, "not-ca" },
		{ "keyUsage", "critical,keyCertSign", NULL },
		{ "keyUsage", "critical,cRLSign", "no-cert-sign" },
		{ "keyUsage", NULL, "no-cert-sign" },
		{ "subjectKeyIdentifier", NULL, "no-subject-key" },
		{ "1.2.3.4", "critical,ASN1:NULL", "critical" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(each) / sizeof(*each); i++) {
		struct pki_spec spec = { .cn = "CA",
			.ext = { { each[i].name, each[i].value },
			    { "authorityKeyIdentifier", NULL } } };

		ca_meets(&spec, each[i].word);
	}
}

static void an_authority_is_as_strong_as_its_leaves(void **state)
{
	struct pki_spec spec = { .cn = "CA", .digest = EVP_sha1() };

	(void)state;
	ca_meets(&spec, "weak-signature");
	spec.digest = NULL;
	spec.key = EVP_RSA_gen(1024);
	ca_meets(&spec, "key");
	EVP_PKEY_free(spec.key);
	spec.key = NULL;
	spec.serial = -1;
	ca_meets(&spec, "serial");
}

static void every_prefix_of_a_pem_text_is_refused_or_shorter(void **state)
{
	struct pki leaf = pki_client(&ca, "alice");
	struct sn_bytes pem = pki_pem(leaf.cert, ca.cert);

	(void)state;
	for (size_t n = 0; n <= pem.n; n++) {
		struct sn_bytes part = { pem.p, n };
		STACK_OF(X509) *out = NULL;

		if (sn_cert_read(part, &out, NULL) == SN_OK) {
			assert_in_range(sk_X509_num(out), 1, 2);
			sn_cert_free(out);
		} else {
			assert_null(out);
		}
	}
	pki_drop(&pem);
	pki_free(&leaf);
}

static void a_damaged_certificate_among_good_ones_is_refused(void **state)
{
	static const char junk[] = "-----BEGIN "
				   "CERTIFICATE-----\n"
				   "AAAA\n-----END CERTIFICATE-----\n";
	struct sn_bytes good = pki_pem(ca.cert, NULL), both;
	STACK_OF(X509) *out = NULL;
	struct sn_why why = { "" };
	char *copy = strdup(junk);

	(void)state;
	assert_int_equal(sn_cert_read(good, &out, &why), SN_OK);
	sn_cert_free(out);
	out = NULL;
	both = pki_join(good, sn_bytes_of(copy));
	assert_int_equal(sn_cert_read(both, &out, &why), SN_EINVAL);
	assert_non_null(strstr(why.text, "certificate 2"));
	assert_null(out);
	pki_drop(&both);
}

static void a_text_without_a_key_is_no_question_of_passphrases(void **state)
{
	struct sn_bytes pem = pki_pem(ca.cert, NULL);
	struct sn_why why = { "" };
	EVP_PKEY *key = NULL;

	(void)state;
	assert_int_equal(sn_cert_read_key(pem, NULL, &key, &why), SN_EINVAL);
	assert_non_null(strstr(why.text, "no private key"));
	pki_drop(&pem);
	pem = pki_key_pem(ca.key, NULL);
	assert_int_equal(sn_cert_read_key(pem, NULL, &key, &why), SN_OK);
	EVP_PKEY_free(key);
	pki_drop(&pem);
}

static void facts_are_read_as_they_are(void **state)
{
	struct pki_spec spec = { .cn = "alice", .serial = 0x1234 };
	struct pki leaf = pki_leaf(&ca, &spec);
	struct pki again = pki_ca(NULL, "Test CA");
	uint8_t serial[SN_CERT_SERIAL], a[32], b[32];
	char hex[SN_CERT_SERIAL_HEX], name[SN_CERT_NAME];

	(void)state;
	assert_int_equal(
	    sn_cert_serial(X509_get0_serialNumber(leaf.cert), serial), SN_OK);
	assert_string_equal(sn_cert_serial_hex(serial, hex), "1234");
	assert_string_equal(
	    sn_cert_name(X509_get_subject_name(leaf.cert), name), "CN=alice");
	/* One name and two keys are two issuers. */
	sn_cert_issuer(ca.cert, a);
	sn_cert_issuer(again.cert, b);
	assert_memory_not_equal(a, b, 32);
	sn_cert_issuer(ca.cert, b);
	assert_memory_equal(a, b, 32);
	pki_free(&leaf);
	pki_free(&again);
}

static void a_longer_way_to_write_a_length_is_no_other_device(void **state)
{
	struct pki leaf = pki_client(&ca, "alice");
	unsigned char *der = NULL, longer[2048];
	int n = i2d_X509(leaf.cert, &der);
	const unsigned char *p = longer;
	uint8_t a[32], b[32];
	X509 *read;

	(void)state;
	/* 30 82 xx xx becomes 30 83 00 xx xx. */
	assert_in_range(n, 256, sizeof(longer) - 1);
	memcpy(longer + 1, der, (size_t)n);
	longer[0] = 0x30;
	longer[1] = 0x83;
	longer[2] = 0;
	read = d2i_X509(NULL, &p, n + 1);
	if (read != NULL) {
		sn_cert_fingerprint(leaf.cert, a);
		sn_cert_fingerprint(read, b);
		assert_memory_equal(a, b, 32);
	}
	X509_free(read);
	OPENSSL_free(der);
	pki_free(&leaf);
}

static int setup(void **state)
{
	(void)state;
	ca = pki_ca(NULL, "Test CA");
	return (0);
}

static int teardown(void **state)
{
	(void)state;
	pki_free(&ca);
	return (0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_usual_leaf_is_good),
		cmocka_unit_test(
		    a_leaf_must_be_for_clients_and_not_for_anything),
		cmocka_unit_test(a_leaf_must_sign_and_not_sign_certificates),
		cmocka_unit_test(a_leaf_is_no_authority),
		cmocka_unit_test(a_leaf_names_the_key_of_its_issuer),
		cmocka_unit_test(
		    unknown_extensions_pass_unless_they_are_critical),
		cmocka_unit_test(an_extension_comes_once),
		cmocka_unit_test(there_are_only_so_many_extensions),
		cmocka_unit_test(an_extension_that_cannot_be_read_is_refused),
		cmocka_unit_test(the_version_is_3),
		cmocka_unit_test(
		    the_serial_is_positive_and_has_20_octets_at_most),
		cmocka_unit_test(a_leaf_with_a_bad_serial_is_refused),
		cmocka_unit_test(a_leaf_has_a_subject),
		cmocka_unit_test(weak_digests_are_refused),
		cmocka_unit_test(only_allowed_keys_pass),
		cmocka_unit_test(a_curve_that_is_written_out_is_refused),
		cmocka_unit_test(a_leaf_does_not_outlive_its_issuer),
		cmocka_unit_test(a_leaf_begins_before_it_ends),
		cmocka_unit_test(a_server_profile_asks_for_server_auth),
		cmocka_unit_test(times_are_written_in_one_way),
		cmocka_unit_test(an_authority_has_the_shape_of_one),
		cmocka_unit_test(an_authority_is_as_strong_as_its_leaves),
		cmocka_unit_test(
		    every_prefix_of_a_pem_text_is_refused_or_shorter),
		cmocka_unit_test(
		    a_damaged_certificate_among_good_ones_is_refused),
		cmocka_unit_test(
		    a_text_without_a_key_is_no_question_of_passphrases),
		cmocka_unit_test(facts_are_read_as_they_are),
		cmocka_unit_test(
		    a_longer_way_to_write_a_length_is_no_other_device),
	};

	return (cmocka_run_group_tests(tests, setup, teardown));
}
