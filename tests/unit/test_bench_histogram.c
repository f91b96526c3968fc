#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "bench/histogram.h"

static struct histogram h;

static int clear(void **state)
{
	(void)state;
	histogram_clear(&h);
	return (0);
}

static void nothing_met_is_nothing(void **state)
{
	(void)state;
	assert_int_equal(histogram_at(&h, 0.5), 0);
	assert_int_equal(histogram_at(&h, 1), 0);
}

static void one_is_every_share(void **state)
{
	(void)state;
	histogram_add(&h, 1234567);
	assert_int_equal(histogram_at(&h, 0), 1234567);
	assert_int_equal(histogram_at(&h, 0.5), 1234567);
	assert_int_equal(histogram_at(&h, 1), 1234567);
}

static void small_ones_are_exact(void **state)
{
	(void)state;
	for (uint64_t ns = 1; ns <= 100; ns++)
		histogram_add(&h, ns);
	assert_int_equal(histogram_at(&h, 0.01), 1);
	assert_int_equal(histogram_at(&h, 0.5), 50);
	assert_int_equal(histogram_at(&h, 0.99), 99);
	assert_int_equal(histogram_at(&h, 1), 100);
}

/* For every duration: never too short, and too long by a 64th at most. */
static void shares_are_within_a_64th(void **state)
{
	(void)state;
	for (uint64_t ns = 1; ns < UINT64_C(1) << 39; ns = ns * 9 / 7 + 1) {
		uint64_t at;

		histogram_clear(&h);
		histogram_add(&h, ns);
		histogram_add(&h, UINT64_C(1) << 40);
		at = histogram_at(&h, 0.5);
		assert_true(at >= ns);
		assert_true(at - ns <= ns / 64);
	}
}

static void a_share_is_never_above_a_greater_one(void **state)
{
	uint64_t before = 0, x = 88172645463325252u;

	(void)state;
	for (int i = 0; i < 10000; i++) {
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		histogram_add(&h, x >> (24 + i % 30));
	}
	for (int i = 0; i <= 1000; i++) {
		uint64_t at = histogram_at(&h, i / 1000.0);

		assert_true(at >= before);
		before = at;
	}
	assert_int_equal(h.count, 10000);
}

static void the_longest_is_exact_even_beyond_the_range(void **state)
{
	(void)state;
	histogram_add(&h, 5);
	histogram_add(&h, UINT64_MAX);
	assert_int_equal(histogram_at(&h, 0.5), 5);
	assert_true(histogram_at(&h, 1) == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(nothing_met_is_nothing, clear),
		cmocka_unit_test_setup(one_is_every_share, clear),
		cmocka_unit_test_setup(small_ones_are_exact, clear),
		cmocka_unit_test_setup(shares_are_within_a_64th, clear),
		cmocka_unit_test_setup(
		    a_share_is_never_above_a_greater_one, clear),
		cmocka_unit_test_setup(
		    the_longest_is_exact_even_beyond_the_range, clear),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
