/* One key made another in its place: each signature is held against the key
 * that was taken last, and no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ca/key.h"
#include "ca/p256.h"
#include "ca/spki.h"

#define KEYS 3

static struct {
	struct key *key;
	uint8_t point[SPKI_P256_POINT];
	uint8_t signature[KEY_SIGNATURE_MAX];
	size_t n;
} people[KEYS];

static const struct sn_bytes message = { "a message", 9 };

static int make_people(void **state)
{
	(void)state;
	for (int i = 0; i < KEYS; i++) {
		struct spki spki, same;
		struct sn_bytes point;

		assert_int_equal(
		    key_generate("p256", &people[i].key, NULL), SN_OK);
		assert_int_equal(
		    spki_of(key_public(people[i].key), &spki, NULL), SN_OK);
		point = spki_point((struct sn_bytes){ spki.der, spki.n });
		assert_int_equal(point.n, SPKI_P256_POINT);
		memcpy(people[i].point, point.p, point.n);
		spki_p256(point.p, &same);
		assert_int_equal(same.n, spki.n);
		assert_memory_equal(same.der, spki.der, spki.n);
		assert_string_equal(same.type, spki.type);
		assert_int_equal(key_sign(people[i].key, message,
				     people[i].signature, &people[i].n, NULL),
		    SN_OK);
	}
	return (0);
}

static int free_people(void **state)
{
	(void)state;
	for (int i = 0; i < KEYS; i++)
		key_free(people[i].key);
	return (0);
}

static bool signed_by(struct p256 *p, int who)
{
	return (p256_verify(p, EVP_sha256(), message,
	    (struct sn_bytes){ people[who].signature, people[who].n }));
}

static void test_a_signature_is_that_of_the_key_taken_last(void **state)
{
	struct p256 *p = p256_new();

	(void)state;
	assert_false(signed_by(p, 0)); /* None was taken. */
	for (int round = 0; round < 3 * KEYS; round++) {
		assert_true(p256_take(p, people[round % KEYS].point));
		for (int i = 0; i < KEYS; i++)
			assert_int_equal(signed_by(p, i), i == round % KEYS);
	}
	p256_free(p);
}

static void test_a_point_off_the_curve_leaves_no_key(void **state)
{
	uint8_t off[SPKI_P256_POINT];
	struct p256 *p = p256_new();

	(void)state;
	assert_true(p256_take(p, people[0].point));
	memcpy(off, people[1].point, sizeof(off));
	off[SPKI_P256_POINT - 1] ^= 1;
	assert_false(p256_take(p, off));
	for (int i = 0; i < KEYS; i++)
		assert_false(signed_by(p, i));
	memset(off + 1, 0, sizeof(off) - 1);
	assert_false(p256_take(p, off));
	assert_true(p256_take(p, people[1].point));
	assert_true(signed_by(p, 1));
	p256_free(p);
}

static void test_another_message_digest_or_signature_is_refused(void **state)
{
	struct sn_bytes other = { "b message", 9 };
	struct p256 *p = p256_new();
	struct sn_bytes good = { people[0].signature, people[0].n };

	(void)state;
	assert_true(p256_take(p, people[0].point));
	assert_true(p256_verify(p, EVP_sha256(), message, good));
	assert_false(p256_verify(p, EVP_sha256(), other, good));
	assert_false(p256_verify(p, EVP_sha512(), message, good));
	good.n--;
	assert_false(p256_verify(p, EVP_sha256(), message, good));
	p256_free(p);
}

static void test_only_an_uncompressed_p256_key_has_a_point(void **state)
{
	struct spki spki, twin;

	(void)state;
	spki_p256(people[0].point, &spki);
	for (size_t i = 0; i < spki.n - SPKI_P256_POINT + 1; i++) {
		twin = spki;
		twin.der[i] ^= 1;
		assert_int_equal(
		    spki_point((struct sn_bytes){ twin.der, twin.n }).n, 0);
	}
	for (size_t n = 0; n < spki.n; n++)
		assert_int_equal(
		    spki_point((struct sn_bytes){ spki.der, n }).n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_a_signature_is_that_of_the_key_taken_last),
		cmocka_unit_test(test_a_point_off_the_curve_leaves_no_key),
		cmocka_unit_test(
		    test_another_message_digest_or_signature_is_refused),
		cmocka_unit_test(
		    test_only_an_uncompressed_p256_key_has_a_point),
	};

	return (cmocka_run_group_tests(tests, make_people, free_people));
}
