#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/bytes.h"

/* "abc" behind its length, and "d". */
static const uint8_t row[] = { 0, 3, 'a', 'b', 'c', 'd' };

static void a_text_is_read_when_its_nul_finds_room(void **state)
{
	struct sn_rd r = sn_rd_over(row, sizeof(row));
	char out[4] = "xxx";

	(void)state;
	sn_rd_text(&r, out, sizeof(out));
	assert_false(r.bad);
	assert_string_equal(out, "abc");
	assert_int_equal(sn_rd_u8(&r), 'd');
	r = sn_rd_over(row, sizeof(row));
	sn_rd_text(&r, out, sizeof(out) - 1);
	assert_true(r.bad);
	assert_string_equal(out, "");
}

static void a_text_that_is_cut_off_is_none(void **state)
{
	(void)state;
	for (size_t n = 0; n < 5; n++) {
		struct sn_rd r = sn_rd_over(row, n);
		char out[8] = "xxx";

		sn_rd_text(&r, out, sizeof(out));
		assert_true(r.bad);
		assert_string_equal(out, "");
	}
}

static void as_much_of_bytes_becomes_a_text_as_fits(void **state)
{
	char out[4] = "xxx";

	(void)state;
	sn_bytes_text(sn_bytes_of("ab"), out, sizeof(out));
	assert_string_equal(out, "ab");
	sn_bytes_text(sn_bytes_of("abc"), out, sizeof(out));
	assert_string_equal(out, "abc");
	sn_bytes_text(sn_bytes_of("abcd"), out, sizeof(out));
	assert_string_equal(out, "abc");
	sn_bytes_text((struct sn_bytes){ NULL, 0 }, out, sizeof(out));
	assert_string_equal(out, "");
	out[0] = 'x';
	sn_bytes_text(sn_bytes_of("abcd"), out, 1);
	assert_string_equal(out, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_is_read_when_its_nul_finds_room),
		cmocka_unit_test(a_text_that_is_cut_off_is_none),
		cmocka_unit_test(as_much_of_bytes_becomes_a_text_as_fits),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
