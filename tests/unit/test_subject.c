#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/subject.h"
#include "tests/unit/pki.h"

static struct pki ca;

/* A subject of one or two commonNames of this type and these bytes. */
static X509 *with_cn(int type, const void *p, size_t n, const char *again)
{
	struct pki_spec spec = { .cn = NULL };
	struct pki leaf = pki_leaf(&ca, &spec);
	X509_NAME *name = X509_get_subject_name(leaf.cert);

	X509_NAME_add_entry_by_NID(
	    name, NID_commonName, type, p, (int)n, -1, 0);
	if (again != NULL)
		X509_NAME_add_entry_by_NID(name, NID_commonName,
		    V_ASN1_UTF8STRING, (const unsigned char *)again, -1, -1, 0);
	EVP_PKEY_free(leaf.key);
	return (leaf.cert);
}

/* Takes ${cert}. */
static void cn_is(X509 *cert, const char *want, const char *word)
{
	struct sn_cert_refusal r = { .word = "" };
	struct sn_subject_key key;
	char label[SN_NAME_MAX + 1];
	enum sn_err err;

	err = sn_subject_key(cert, SN_SUBJECT_CN, &key, label, &r);
	assert_string_equal(r.word, word != NULL ? word : "");
	if (want != NULL) {
		assert_int_equal(err, SN_OK);
		assert_int_equal(key.rule, SN_SUBJECT_CN);
		assert_int_equal(key.len, strlen(want));
		assert_memory_equal(key.bytes, want, key.len);
	} else {
		assert_int_equal(err, SN_ECERT);
		assert_true(strlen(r.why.text) > 20);
	}
	X509_free(cert);
}

static void utf8_is(const char *cn, const char *word)
{
	cn_is(with_cn(V_ASN1_UTF8STRING, cn, strlen(cn), NULL),
	    word == NULL ? cn : NULL, word);
}

static void an_account_name_is_a_key_byte_for_byte(void **state)
{
	char longest[66];

	(void)state;
	memset(longest, 'a', sizeof(longest));
	longest[64] = '\0';
	utf8_is("alice", NULL);
	utf8_is("a", NULL);
	utf8_is("0.a_b-c", NULL);
	utf8_is(longest, NULL);
	longest[64] = 'a';
	longest[65] = '\0';
	utf8_is(longest, "bad-name");
}

static void look_alikes_and_wildcards_are_refused(void **state)
{
	static const char *const bad[] = { "Alice", "ALICE", "alice ", " alice",
		"al ice", "*", "*.alice", "al*", ".alice", "-alice", "_alice",
		"alice\n", "alice@host", "alice/bob", "alice,bob", "#alice",
		"\xd0\xb0lice", "alic\xc3\xa9", "alice\xe2\x80\x8b",
		"\xef\xbd\x81lice", "alice\xff", "al\x01ice" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		utf8_is(bad[i], "bad-name");
}

static void a_nul_ends_nothing(void **state)
{
	(void)state;
	cn_is(with_cn(V_ASN1_UTF8STRING, "alice\0.evil", 11, NULL), NULL,
	    "bad-name");
	cn_is(with_cn(V_ASN1_UTF8STRING, "alice\0", 6, NULL), NULL, "bad-name");
}

static void only_two_encodings_are_read(void **state)
{
	(void)state;
	cn_is(with_cn(V_ASN1_PRINTABLESTRING, "alice", 5, NULL), "alice", NULL);
	cn_is(
	    with_cn(V_ASN1_T61STRING, "alice", 5, NULL), NULL, "name-encoding");
	cn_is(
	    with_cn(V_ASN1_IA5STRING, "alice", 5, NULL), NULL, "name-encoding");
	cn_is(with_cn(V_ASN1_BMPSTRING, "\0a\0l\0i\0c\0e", 10, NULL), NULL,
	    "name-encoding");
	cn_is(with_cn(V_ASN1_UNIVERSALSTRING, "\0\0\0a", 4, NULL), NULL,
	    "name-encoding");
}

static void exactly_one_name_counts(void **state)
{
	struct pki_spec spec = { .cn = NULL };

	(void)state;
	cn_is(with_cn(V_ASN1_UTF8STRING, "alice", 5, "bob"), NULL, "two-names");
	cn_is(
	    with_cn(V_ASN1_UTF8STRING, "alice", 5, "alice"), NULL, "two-names");
	{
		struct pki none = pki_leaf(&ca, &spec);

		EVP_PKEY_free(none.key);
		cn_is(none.cert, NULL, "no-name");
	}
}

/* The key under ${rule} of a certificate with these alternative names. */
static void san_is(enum sn_subject_rule rule, const char *cn, const char *san,
    const char *want, const char *want_label, const char *word)
{
	struct pki_spec spec = { .cn = cn,
		.ext = { { "subjectAltName", san } } };
	struct pki leaf = pki_leaf(&ca, &spec);
	struct sn_cert_refusal r = { .word = "" };
	struct sn_subject_key key;
	char label[SN_NAME_MAX + 1];
	enum sn_err err;

	err = sn_subject_key(leaf.cert, rule, &key, label, &r);
	assert_string_equal(r.word, word != NULL ? word : "");
	if (word == NULL) {
		assert_int_equal(err, SN_OK);
		assert_int_equal(key.rule, rule);
		assert_int_equal(key.len, strlen(want));
		assert_memory_equal(key.bytes, want, key.len);
		assert_string_equal(label, want_label);
	} else {
		assert_int_equal(err, SN_ECERT);
		assert_string_equal(label, "");
	}
	pki_free(&leaf);
}

static void a_uri_tells_the_device_and_may_not_contradict(void **state)
{
	const enum sn_subject_rule cn = SN_SUBJECT_CN;

	(void)state;
	san_is(cn, "alice", "URI:urn:sichernetz:account:alice:device:laptop",
	    "alice", "laptop", NULL);
	san_is(
	    cn, "alice", "URI:urn:sichernetz:account:alice", "alice", "", NULL);
	san_is(cn, "alice", "URI:https://example.org/alice", "alice", "", NULL);
	san_is(cn, "alice", "DNS:*.example.org,email:a@b.c", "alice", "", NULL);
	san_is(cn, "alice", "URI:urn:sichernetz:account:bob:device:laptop",
	    NULL, NULL, "contradiction");
	san_is(cn, "alice",
	    "URI:urn:sichernetz:account:alice,URI:urn:sichernetz:account:bob",
	    NULL, NULL, "two-accounts");
	san_is(cn, "alice", "URI:urn:sichernetz:account:alice:laptop", NULL,
	    NULL, "bad-urn");
	san_is(cn, "alice", "URI:urn:sichernetz:account:alice:devize:laptop",
	    NULL, NULL, "bad-urn");
	san_is(cn, "alice", "URI:urn:sichernetz:account:alice:device:", NULL,
	    NULL, "bad-urn");
	san_is(cn, "alice", "URI:urn:sichernetz:account:alice:device:A", NULL,
	    NULL, "bad-urn");
	san_is(cn, "alice", "URI:urn:sichernetz:account:alice:device:a:b", NULL,
	    NULL, "bad-urn");
	san_is(
	    cn, "alice", "URI:urn:sichernetz:account:", NULL, NULL, "bad-urn");
	san_is(cn, "alice", "URI:urn:sichernetz:account:Alice", NULL, NULL,
	    "bad-urn");
}

static void under_the_uri_rule_one_uri_is_the_key(void **state)
{
	const enum sn_subject_rule uri = SN_SUBJECT_SAN_URI;

	(void)state;
	san_is(uri, "alice", "URI:urn:sichernetz:account:alice:device:phone",
	    "alice", "phone", NULL);
	san_is(
	    uri, NULL, "URI:urn:sichernetz:account:alice", "alice", "", NULL);
	san_is(uri, "Alice Miller", "URI:spiffe://org/alice",
	    "spiffe://org/alice", "", NULL);
	san_is(uri, "Alice Miller", "URI:urn:sichernetz:account:alice", "alice",
	    "", NULL);
	san_is(uri, "bob", "URI:urn:sichernetz:account:alice", NULL, NULL,
	    "contradiction");
	san_is(uri, "alice", "DNS:alice", NULL, NULL, "no-uri");
	san_is(uri, "alice", NULL, NULL, NULL, "no-uri");
	san_is(uri, "alice", "URI:a:b,URI:c:d", NULL, NULL, "two-uris");
	san_is(uri, "alice", "URI:spiffe://org/*", NULL, NULL, "bad-uri");
	san_is(uri, "alice", "URI:spiffe://org/a b", NULL, NULL, "bad-uri");
	san_is(
	    uri, "alice", "URI:spiffe://org/\xc3\xa9", NULL, NULL, "bad-uri");
}

/* Two commonNames beside a URI of alice's. */
static void names_beside_a_uri(
    int type, const char *cn, size_t n, const char *second, const char *word)
{
	X509 *cert = with_cn(type, cn, n, second);
	struct sn_cert_refusal r = { .word = "" };
	struct sn_subject_key key;
	char label[SN_NAME_MAX + 1];

	pki_ext(cert, ca.cert, "subjectAltName",
	    "URI:urn:sichernetz:account:alice");
	assert_int_equal(
	    sn_subject_key(cert, SN_SUBJECT_SAN_URI, &key, label, &r),
	    word == NULL ? SN_OK : SN_ECERT);
	assert_string_equal(r.word, word == NULL ? "" : word);
	X509_free(cert);
}

static void no_name_beside_a_uri_is_another_account_s(void **state)
{
	static const char no[] = "contradiction";

	(void)state;
	names_beside_a_uri(
	    V_ASN1_UTF8STRING, "Alice Miller", 12, "A. Miller", NULL);
	names_beside_a_uri(V_ASN1_UTF8STRING, "alice", 5, "A. Miller", NULL);
	names_beside_a_uri(V_ASN1_UTF8STRING, "bob", 3, "bob", no);
	names_beside_a_uri(V_ASN1_UTF8STRING, "Alice Miller", 12, "bob", no);
	names_beside_a_uri(V_ASN1_UTF8STRING, "alice", 5, "bob", no);
	names_beside_a_uri(V_ASN1_T61STRING, "bob", 3, NULL, no);
	names_beside_a_uri(V_ASN1_BMPSTRING, "\0b\0o\0b", 6, NULL, no);
	names_beside_a_uri(V_ASN1_BMPSTRING, "\0a\0l\0i\0c\0e", 10, NULL, NULL);
}

static void a_uri_that_no_key_can_hold_is_refused(void **state)
{
	char text[600] = "URI:";

	(void)state;
	memset(text + 4, 'u', sizeof(text) - 5);
	text[5] = ':';
	text[4 + SN_SUBJECT_KEY_MAX] = '\0';
	san_is(SN_SUBJECT_SAN_URI, NULL, text, text + 4, "", NULL);
	text[4 + SN_SUBJECT_KEY_MAX] = 'u';
	text[5 + SN_SUBJECT_KEY_MAX] = '\0';
	san_is(SN_SUBJECT_SAN_URI, NULL, text, NULL, NULL, "bad-uri");
	/* Without a scheme it would be an account's bare name. */
	san_is(SN_SUBJECT_SAN_URI, NULL, "URI:alice", NULL, NULL, "bad-uri");
	san_is(SN_SUBJECT_SAN_URI, NULL, "URI:alice:", "alice:", "", NULL);
}

/* What a mapping by hand goes by, whatever the rule says of the name. */
static void claim_is(
    const char *san, const char *account, const char *label, const char *word)
{
	struct pki_spec spec = { .cn = "No Account's Name",
		.ext = { { "subjectAltName", san } } };
	struct pki leaf = pki_leaf(&ca, &spec);
	char got_account[SN_NAME_MAX + 1], got_label[SN_NAME_MAX + 1];
	uint8_t digest[SN_SUBJECT_DIGEST];
	struct sn_cert_refusal r = { .word = "" };
	struct sn_subject_key dn;

	assert_int_equal(
	    sn_subject_claim(leaf.cert, digest, got_account, got_label, &r),
	    word == NULL ? SN_OK : SN_ECERT);
	assert_string_equal(r.word, word != NULL ? word : "");
	assert_string_equal(got_account, account);
	assert_string_equal(got_label, label);
	if (word == NULL) {
		assert_int_equal(sn_subject_key(leaf.cert, SN_SUBJECT_DN, &dn,
				     got_label, NULL),
		    SN_OK);
		assert_memory_equal(dn.bytes, digest, sizeof(digest));
	}
	pki_free(&leaf);
}

static void a_claim_is_what_a_uri_of_ours_says(void **state)
{
	(void)state;
	claim_is(
	    "URI:urn:sichernetz:account:bob:device:desk", "bob", "desk", NULL);
	claim_is("URI:spiffe://house/bob", "", "", NULL);
	claim_is("URI:urn:sichernetz:account:bob,"
		 "URI:urn:sichernetz:account:eve",
	    "", "", "two-accounts");
	claim_is("URI:urn:sichernetz:account:bob:desk", "", "", "bad-urn");
}

static void the_whole_subject_is_digested_as_it_is_encoded(void **state)
{
	static const int types[] = { V_ASN1_UTF8STRING, V_ASN1_PRINTABLESTRING,
		V_ASN1_UTF8STRING };
	static const char *const names[] = { "alice", "alice", "Alice" };
	struct sn_subject_key keys[3];
	char label[SN_NAME_MAX + 1];

	(void)state;
	for (int i = 0; i < 3; i++) {
		X509 *cert =
		    with_cn(types[i], names[i], strlen(names[i]), NULL);

		assert_int_equal(
		    sn_subject_key(cert, SN_SUBJECT_DN, &keys[i], label, NULL),
		    SN_OK);
		assert_int_equal(keys[i].len, 32);
		X509_free(cert);
	}
	assert_memory_not_equal(keys[0].bytes, keys[1].bytes, 32);
	assert_memory_not_equal(keys[0].bytes, keys[2].bytes, 32);
}

static void rules_have_words(void **state)
{
	enum sn_subject_rule rule;

	(void)state;
	assert_int_equal(sn_subject_rule("cn", &rule), SN_OK);
	assert_int_equal(rule, SN_SUBJECT_CN);
	assert_int_equal(sn_subject_rule("dn", &rule), SN_OK);
	assert_int_equal(rule, SN_SUBJECT_DN);
	assert_int_equal(sn_subject_rule("san-uri", &rule), SN_OK);
	assert_int_equal(rule, SN_SUBJECT_SAN_URI);
	assert_int_equal(sn_subject_rule("CN", &rule), SN_EINVAL);
	assert_int_equal(sn_subject_rule("", &rule), SN_EINVAL);
	assert_string_equal(sn_subject_rule_word(SN_SUBJECT_DN), "dn");
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
		cmocka_unit_test(an_account_name_is_a_key_byte_for_byte),
		cmocka_unit_test(look_alikes_and_wildcards_are_refused),
		cmocka_unit_test(a_nul_ends_nothing),
		cmocka_unit_test(only_two_encodings_are_read),
		cmocka_unit_test(exactly_one_name_counts),
		cmocka_unit_test(a_uri_tells_the_device_and_may_not_contradict),
		cmocka_unit_test(under_the_uri_rule_one_uri_is_the_key),
		cmocka_unit_test(no_name_beside_a_uri_is_another_account_s),
		cmocka_unit_test(a_uri_that_no_key_can_hold_is_refused),
		cmocka_unit_test(a_claim_is_what_a_uri_of_ours_says),
		cmocka_unit_test(
		    the_whole_subject_is_digested_as_it_is_encoded),
		cmocka_unit_test(rules_have_words),
	};

	return (cmocka_run_group_tests(tests, setup, teardown));
}
