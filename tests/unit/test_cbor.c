#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/cbor.h"

/* RFC 8949, appendix A: each value in as few bytes as hold it. */
static const struct {
	uint64_t value;
	const char *hex;
} numbers[] = {
	{ 0, "00" },
	{ 1, "01" },
	{ 23, "17" },
	{ 24, "1818" },
	{ 255, "18ff" },
	{ 256, "190100" },
	{ 1000, "1903e8" },
	{ UINT16_MAX, "19ffff" },
	{ UINT16_MAX + 1, "1a00010000" },
	{ UINT32_MAX, "1affffffff" },
	{ UINT64_C(1) << 32, "1b0000000100000000" },
	{ UINT64_MAX, "1bffffffffffffffff" },
};
#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static void a_number_is_as_short_as_it_can_be_and_reads_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(numbers); i++) {
		uint8_t is[16], shall[16];
		struct sn_wr w = sn_wr_over(is, sizeof(is));
		size_t n = strlen(numbers[i].hex) / 2;
		struct sn_rd r;

		assert_true(sn_bytes_unhex(numbers[i].hex, shall, n));
		sn_cbor_put_uint(&w, numbers[i].value);
		assert_int_equal(w.n, n);
		assert_memory_equal(is, shall, n);
		r = sn_rd_over(is, n);
		assert_true(sn_cbor_get_uint(&r) == numbers[i].value);
		assert_true(sn_rd_end(&r));
	}
}

static void no_prefix_of_a_number_is_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(numbers); i++) {
		uint8_t b[16];
		struct sn_wr w = sn_wr_over(b, sizeof(b));

		sn_cbor_put_uint(&w, numbers[i].value);
		for (size_t n = 0; n < w.n; n++) {
			struct sn_rd r = sn_rd_over(b, n);

			assert_true(sn_cbor_get_uint(&r) == 0);
			assert_true(r.bad);
		}
	}
}

static void a_number_that_does_not_fit_is_not_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(numbers); i++) {
		size_t n = strlen(numbers[i].hex) / 2;
		uint8_t b[16];

		for (size_t cap = 0; cap <= n; cap++) {
			struct sn_wr w = sn_wr_over(b, cap);

			sn_cbor_put_uint(&w, numbers[i].value);
			assert_int_equal(w.bad, cap < n);
		}
	}
}

static void more_bytes_than_needed_mean_the_same(void **state)
{
	static const char *const five[] = { "05", "1805", "190005",
		"1a00000005", "1b0000000000000005" };

	(void)state;
	for (size_t i = 0; i < COUNT(five); i++) {
		uint8_t b[16];
		size_t n = strlen(five[i]) / 2;
		struct sn_rd r = sn_rd_over(b, n);

		assert_true(sn_bytes_unhex(five[i], b, n));
		assert_true(sn_cbor_get_uint(&r) == 5);
		assert_true(sn_rd_end(&r));
	}
}

enum type { UINT, BYTES, TEXT, ARRAY, BOOL, NIL, TYPES };

static bool reads_as(enum type type, const uint8_t *p, size_t n)
{
	struct sn_rd r = sn_rd_over(p, n);

	switch (type) {
	case UINT:
		(void)sn_cbor_get_uint(&r);
		break;
	case BYTES:
		(void)sn_cbor_get_bytes(&r);
		break;
	case TEXT:
		(void)sn_cbor_get_text(&r);
		break;
	case ARRAY:
		(void)sn_cbor_get_array(&r);
		break;
	case BOOL:
		(void)sn_cbor_get_bool(&r);
		break;
	default:
		return (sn_cbor_take_null(&r));
	}
	return (!r.bad);
}

/* What an item that begins with this byte is; TYPES: none of ours. */
static enum type type_of(unsigned first)
{
	static const enum type majors[8] = { UINT, TYPES, BYTES, TEXT, ARRAY,
		TYPES, TYPES, TYPES };

	if (first == 0xf4 || first == 0xf5)
		return (BOOL);
	if (first == 0xf6)
		return (NIL);
	return ((first & 31) > 27 ? TYPES : majors[first >> 5]);
}

static void each_first_byte_is_of_one_type_at_most(void **state)
{
	(void)state;
	for (unsigned first = 0; first < 256; first++) {
		uint8_t b[64] = { (uint8_t)first };

		for (enum type type = UINT; type < TYPES; type++)
			assert_int_equal(reads_as(type, b, sizeof(b)),
			    type == type_of(first));
	}
}

static void a_string_is_read_in_place_and_not_beyond_what_is_there(void **state)
{
	static const size_t sizes[] = { 0, 1, 23, 24, 255, 256 };
	uint8_t in[256], b[300];

	(void)state;
	memset(in, 'a', sizeof(in));
	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct sn_wr w = sn_wr_over(b, sizeof(b));
		struct sn_rd r;
		struct sn_bytes got;

		sn_cbor_put_text(&w, (struct sn_bytes){ in, sizes[i] });
		r = sn_rd_over(b, w.n);
		got = sn_cbor_get_text(&r);
		assert_true(sn_rd_end(&r));
		assert_int_equal(got.n, sizes[i]);
		assert_ptr_equal(got.p, b + w.n - sizes[i]);
		for (size_t n = 0; n < w.n; n++)
			assert_false(reads_as(TEXT, b, n));
	}
}

static void a_length_beyond_all_memory_is_refused(void **state)
{
	uint8_t b[32];

	(void)state;
	memset(b, 0xff, sizeof(b));
	b[0] = 0x5b;
	assert_false(reads_as(BYTES, b, sizeof(b)));
	b[0] = 0x7b;
	assert_false(reads_as(TEXT, b, sizeof(b)));
}

/* An array's number is only what it says; its items are read one by one. */
static void an_arrays_number_is_told_as_it_is(void **state)
{
	const uint8_t b[] = { 0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff };
	struct sn_rd r = sn_rd_over(b, sizeof(b));

	(void)state;
	assert_true(sn_cbor_get_array(&r) == UINT64_MAX);
	assert_true(sn_rd_end(&r));
	sn_cbor_skip(&r);
	assert_true(r.bad);
	r = sn_rd_over(b, sizeof(b));
	sn_cbor_skip(&r);
	assert_true(r.bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_number_is_as_short_as_it_can_be_and_reads_back),
		cmocka_unit_test(no_prefix_of_a_number_is_one),
		cmocka_unit_test(a_number_that_does_not_fit_is_not_written),
		cmocka_unit_test(more_bytes_than_needed_mean_the_same),
		cmocka_unit_test(each_first_byte_is_of_one_type_at_most),
		cmocka_unit_test(
		    a_string_is_read_in_place_and_not_beyond_what_is_there),
		cmocka_unit_test(a_length_beyond_all_memory_is_refused),
		cmocka_unit_test(an_arrays_number_is_told_as_it_is),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
