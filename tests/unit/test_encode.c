/*
 * Certificates as the authority writes them: read by OpenSSL, written by it
 * again and compared; and the two that stand next to each boundary.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/x509v3.h>

#include "ca/certificate.h"
#include "ca/der.h"
#include "ca/encode.h"
#include "ca/issue.h"
#include "ca/lint.h"
#include "ca/ssl.h"

#define LAST_UTC INT64_C(2524607999) /* 2049-12-31T23:59:59Z */
#define MOST 70000

static struct encode fresh(uint8_t *room, size_t n)
{
	return (encode_over(room, n));
}

static void test_every_length_is_read_back_by_the_strict_cursor(void **state)
{
	static const size_t lengths[] = { 0, 1, 127, 128, 255, 256, 65535,
		65536 };
	uint8_t *contents = calloc(1, MOST), *room = malloc(MOST);

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct encode e = fresh(room, MOST);
		struct der all, in;

		encode_element(&e, DER_OCTETS, contents, lengths[i]);
		assert_false(e.bad);
		all = der_over(encode_done(&e).p, encode_done(&e).n);
		in = der_take(&all, DER_OCTETS);
		assert_true(der_end(&all));
		assert_int_equal(in.n, lengths[i]);
		/* With a byte less of room nothing is written outside it. */
		e = fresh(room + 1, encode_done(&e).n - 1);
		room[0] = 0xee;
		encode_element(&e, DER_OCTETS, contents, lengths[i]);
		assert_true(e.bad);
		assert_int_equal(room[0], 0xee);
	}
	free(contents);
	free(room);
}

static void test_what_did_not_fit_stays_bad(void **state)
{
	uint8_t room[4];
	struct encode e = fresh(room, sizeof(room));

	(void)state;
	encode_put(&e, "12345", 5);
	assert_true(e.bad);
	encode_put(&e, "1", 1);
	assert_int_equal(encode_done(&e).n, 0);
}

static void test_times_change_their_form_where_2050_begins(void **state)
{
	static const struct {
		int64_t seconds;
		uint8_t tag;
		const char *text;
	} twins[] = {
		{ 0, DER_UTC_TIME, "700101000000Z" },
		{ LAST_UTC, DER_UTC_TIME, "491231235959Z" },
		{ LAST_UTC + 1, DER_GENERAL_TIME, "20500101000000Z" },
	};
	uint8_t room[32];

	(void)state;
	for (size_t i = 0; i < sizeof(twins) / sizeof(twins[0]); i++) {
		struct encode e = fresh(room, sizeof(room));
		struct der d, same;
		int64_t seconds;
		uint8_t tag;

		encode_time(&e, twins[i].seconds);
		d = same = der_over(encode_done(&e).p, encode_done(&e).n);
		assert_true(der_time(&d, &seconds));
		assert_int_equal(seconds, twins[i].seconds);
		d = der_next(&same, &tag);
		assert_int_equal(tag, twins[i].tag);
		assert_true(der_is(&d, twins[i].text, strlen(twins[i].text)));
	}
}

static void test_a_year_of_five_digits_is_not_written(void **state)
{
	uint8_t room[32];
	struct encode e = fresh(room, sizeof(room));

	(void)state;
	encode_time(&e, INT64_C(253402300799)); /* 9999-12-31T23:59:59Z */
	assert_false(e.bad);
	encode_time(&e, INT64_C(253402300800));
	assert_true(e.bad);
}

/* A root of its own, and what it signs. */
static struct {
	struct key *key;
	struct spki spki;
	X509 *root;
	struct profile profile;
} ca;

static const uint8_t serial[SERIAL_BYTES] = { 0x7f, 1, 2, 3, 4, 5, 6, 7, 8 };

static struct blueprint root_plan(void)
{
	return ((struct blueprint){ .kind = KIND_ROOT,
	    .organisation = "Ex\xc3\xa4mple",
	    .common_name = "Root",
	    .serial = serial,
	    .not_before = 0,
	    .not_after = LAST_UTC + 1,
	    .key = &ca.spki,
	    .profile = &ca.profile });
}

static struct blueprint leaf_plan(enum record_kind kind, const struct spki *key,
    const char *const *sans, size_t count)
{
	struct blueprint b = root_plan();

	b.kind = kind;
	b.common_name = "alice";
	b.not_after = LAST_UTC;
	b.key = key;
	b.issuer = ca.root;
	b.sans = sans;
	b.san_count = count;
	ca.profile.client_auth = kind == KIND_CLIENT;
	ca.profile.server_auth = kind == KIND_SERVER;
	return (b);
}

static int make_ca(void **state)
{
	struct blueprint b;
	uint8_t *der;
	size_t n;

	(void)state;
	assert_int_equal(key_generate("p256", &ca.key, NULL), SN_OK);
	assert_int_equal(spki_of(key_public(ca.key), &ca.spki, NULL), SN_OK);
	b = root_plan();
	assert_int_equal(certificate_make(&b, ca.key, &der, &n, NULL), SN_OK);
	assert_int_equal(lint_certificate(der, n, KIND_ROOT, NULL), SN_OK);
	assert_int_equal(
	    ssl_certificate((struct sn_bytes){ der, n }, &ca.root, NULL),
	    SN_OK);
	free(der);
	return (0);
}

static int free_ca(void **state)
{
	(void)state;
	key_free(ca.key);
	X509_free(ca.root);
	return (0);
}

/* OpenSSL reads it, writes its parts anew, and gets the same bytes. */
static void same_when_written_by_openssl(const uint8_t *der, size_t n)
{
	unsigned char *again = NULL;
	X509 *x;
	int m;

	assert_int_equal(
	    ssl_certificate((struct sn_bytes){ der, n }, &x, NULL), SN_OK);
	assert_int_equal(X509_verify(x, key_public(ca.key)), 1);
	m = i2d_re_X509_tbs(x, &again);
	assert_true(m > 0);
	/* Behind the head of the whole, which takes four bytes here. */
	assert_true(der[1] == 0x82 && (size_t)m + 4 < n);
	assert_memory_equal(again, der + 4, (size_t)m);
	OPENSSL_free(again);
	X509_free(x);
}

static void test_each_kind_of_key_is_written_as_openssl_would(void **state)
{
	static const char *const types[] = { "p256", "p384", "ed25519" };
	static const char *const urn[] = {
		"uri:urn:sichernetz:account:alice:device:main"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct key *key;
		struct spki spki;
		struct blueprint b;
		uint8_t *der;
		size_t n;

		assert_int_equal(key_generate(types[i], &key, NULL), SN_OK);
		assert_int_equal(spki_of(key_public(key), &spki, NULL), SN_OK);
		assert_string_equal(spki.type, types[i]);
		b = leaf_plan(KIND_CLIENT, &spki, urn, 1);
		assert_int_equal(
		    certificate_make(&b, ca.key, &der, &n, NULL), SN_OK);
		assert_int_equal(
		    lint_certificate(der, n, KIND_CLIENT, NULL), SN_OK);
		same_when_written_by_openssl(der, n);
		assert_true(sn_bytes_equal(
		    certificate_spki((struct sn_bytes){ der, n }),
		    (struct sn_bytes){ spki.der, spki.n }));
		free(der);
		key_free(key);
	}
}

static void test_a_servers_names_are_written_as_openssl_would(void **state)
{
	static const char *const names[] = { "dns:chat.example.org",
		"ip:192.0.2.7", "ip:2001:db8::7" };
	struct blueprint b = leaf_plan(KIND_SERVER, &ca.spki, names, 3);
	GENERAL_NAMES *read;
	uint8_t *der;
	size_t n;
	X509 *x;

	(void)state;
	assert_int_equal(certificate_make(&b, ca.key, &der, &n, NULL), SN_OK);
	assert_int_equal(lint_certificate(der, n, KIND_SERVER, NULL), SN_OK);
	same_when_written_by_openssl(der, n);
	assert_int_equal(
	    ssl_certificate((struct sn_bytes){ der, n }, &x, NULL), SN_OK);
	read = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	assert_int_equal(sk_GENERAL_NAME_num(read), 3);
	assert_int_equal(X509_check_host(x, "chat.example.org", 0, 0, NULL), 1);
	assert_int_equal(X509_check_ip_asc(x, "192.0.2.7", 0), 1);
	assert_int_equal(X509_check_ip_asc(x, "2001:db8::7", 0), 1);
	assert_int_equal(X509_check_ip_asc(x, "192.0.2.8", 0), 0);
	GENERAL_NAMES_free(read);
	X509_free(x);
	free(der);
}

static void test_what_cannot_be_written_is_refused(void **state)
{
	static const char *const address[] = { "ip:192.0.2" };
	char *long_name = malloc(RECORD_DER_MAX + 5);
	const char *too_long[1] = { long_name };
	struct blueprint b = leaf_plan(KIND_SERVER, &ca.spki, address, 1);
	struct spki broken = ca.spki;
	struct sn_why why;
	uint8_t *der;
	size_t n;

	(void)state;
	assert_int_equal(
	    certificate_make(&b, ca.key, &der, &n, &why), SN_ETOOBIG);
	memset(long_name, 'a', RECORD_DER_MAX + 4);
	memcpy(long_name, "dns:", 4);
	long_name[RECORD_DER_MAX + 4] = '\0';
	b.sans = too_long;
	assert_int_equal(
	    certificate_make(&b, ca.key, &der, &n, &why), SN_ETOOBIG);
	b.san_count = 0;
	broken.n--;
	b.key = &broken;
	assert_int_equal(
	    certificate_make(&b, ca.key, &der, &n, &why), SN_ETOOBIG);
	free(long_name);
}

/* What a client's order and row are in the books. */
static enum sn_err sign_for_alice(
    int64_t not_after, uint8_t **der, size_t *n, struct record *rec)
{
	static const struct authority a = { .organisation = "Example" };
	struct order order = { .kind = KIND_CLIENT,
		.name = "alice",
		.label = "main",
		.profile = &ca.profile,
		.key = &ca.spki,
		.to = "" };

	memset(rec, 0, sizeof(*rec));
	memcpy(rec->serial, serial, SERIAL_BYTES);
	rec->kind = KIND_CLIENT;
	rec->not_after = not_after;
	return (issue_sign(&a, &order, ca.key, ca.root, rec, der, n, NULL));
}

static void test_what_the_linter_refuses_does_not_leave(void **state)
{
	struct record rec;
	uint8_t *der;
	size_t n;

	(void)state;
	ca.profile.server_auth = false;
	ca.profile.client_auth = true;
	assert_int_equal(sign_for_alice(LAST_UTC, &der, &n, &rec), SN_OK);
	free(der);
	ca.profile.server_auth = true;
	assert_int_equal(sign_for_alice(LAST_UTC, &der, &n, &rec), SN_ECERT);
	assert_null(der);
}

static void test_nothing_outlives_its_issuer(void **state)
{
	struct record rec;
	uint8_t *der;
	size_t n;

	(void)state;
	ca.profile.server_auth = false;
	ca.profile.client_auth = true;
	for (int64_t extra = 1; extra <= 2; extra++) {
		assert_int_equal(
		    sign_for_alice(LAST_UTC + extra, &der, &n, &rec), SN_OK);
		assert_int_equal(rec.not_after, LAST_UTC + 1); /* The root's. */
		free(der);
	}
}

static void test_no_certificate_has_no_key(void **state)
{
	struct blueprint b = leaf_plan(KIND_SERVER, &ca.spki, NULL, 0);
	uint8_t *der;
	size_t n;

	(void)state;
	assert_int_equal(certificate_make(&b, ca.key, &der, &n, NULL), SN_OK);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(
		    certificate_spki((struct sn_bytes){ der, i }).n, 0);
	free(der);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_every_length_is_read_back_by_the_strict_cursor),
		cmocka_unit_test(test_what_did_not_fit_stays_bad),
		cmocka_unit_test(
		    test_times_change_their_form_where_2050_begins),
		cmocka_unit_test(test_a_year_of_five_digits_is_not_written),
		cmocka_unit_test(
		    test_each_kind_of_key_is_written_as_openssl_would),
		cmocka_unit_test(
		    test_a_servers_names_are_written_as_openssl_would),
		cmocka_unit_test(test_what_cannot_be_written_is_refused),
		cmocka_unit_test(test_what_the_linter_refuses_does_not_leave),
		cmocka_unit_test(test_nothing_outlives_its_issuer),
		cmocka_unit_test(test_no_certificate_has_no_key),
	};

	return (cmocka_run_group_tests(tests, make_ca, free_ca));
}
