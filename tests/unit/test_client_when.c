#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/when.h"

#define NOW UINT64_C(1764000000000)

static void a_date_a_time_and_a_span_are_understood(void **state)
{
	static const struct {
		const char *text;
		uint64_t ms;
	} good[] = {
		{ "1970-01-01", 0 },
		{ "2025-11-24", UINT64_C(1763942400000) },
		{ "2025-11-24T16:00:00Z", NOW },
		{ "0s", NOW },
		{ "90s", NOW - 90000 },
		{ "15m", NOW - 900000 },
		{ "2h", NOW - 7200000 },
		{ "3d", NOW - UINT64_C(259200000) },
		{ "999999999d", 0 },
	};
	uint64_t got;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_true(when_parse(good[i].text, NOW, &got));
		assert_int_equal(got, good[i].ms);
	}
}

static void what_is_none_of_them_is_refused(void **state)
{
	static const char *const bad[] = { "", "d", "5", "-5m", "5 m", "5w",
		"5mm", "yesterday", "2025-13-01", "2025-11-24T16:00:00",
		"2025-11-24T16:00:00+01", "2025-11-24x", "9999999999d",
		"1969-12-31" };
	uint64_t got;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(when_parse(bad[i], NOW, &got));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_date_a_time_and_a_span_are_understood),
		cmocka_unit_test(what_is_none_of_them_is_refused),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
