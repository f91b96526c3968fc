#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/safe.h"

static const char *shown(const char *text, size_t n)
{
	static char out[512];

	return (safe_line((struct sn_bytes){ text, n }, out, sizeof(out)));
}

#define SHOWN(literal) shown(literal, sizeof(literal) - 1)

static void text_of_every_language_stays(void **state)
{
	(void)state;
	assert_string_equal(SHOWN("plain"), "plain");
	assert_string_equal(
	    SHOWN("Grüße, 你好 🙂"), "Grüße, 你好 🙂");
}

static void nothing_that_acts_on_a_terminal_passes(void **state)
{
	(void)state;
	assert_string_equal(SHOWN("a\033[2Jb"), "a\\x1b[2Jb");
	assert_string_equal(
	    SHOWN("\r\n\t\b\a\177"), "\\x0d\\x0a\\x09\\x08\\x07\\x7f");
	assert_string_equal(SHOWN("\0"), "\\x00");
	/* CSI as one character of C1, in UTF-8 and raw. */
	assert_string_equal(SHOWN("\xc2\x9b"
				  "31m"),
	    "\\u{9b}31m");
	assert_string_equal(SHOWN("\x9b"
				  "31m"),
	    "\\x9b31m");
	/* Right-to-left override, isolates, line separator, tags. */
	assert_string_equal(SHOWN("\xe2\x80\xae"), "\\u{202e}");
	assert_string_equal(SHOWN("\xe2\x81\xa6"), "\\u{2066}");
	assert_string_equal(SHOWN("\xe2\x80\xa8"), "\\u{2028}");
	assert_string_equal(SHOWN("\xf3\xa0\x81\x81"), "\\u{e0041}");
}

static void what_is_no_utf8_is_escaped_byte_by_byte(void **state)
{
	(void)state;
	assert_string_equal(SHOWN("\xc0\x80"), "\\xc0\\x80");
	assert_string_equal(SHOWN("\xe0\x80\x80"), "\\xe0\\x80\\x80");
	assert_string_equal(SHOWN("\xed\xa0\x80"), "\\xed\\xa0\\x80");
	assert_string_equal(SHOWN("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
	assert_string_equal(SHOWN("\xf0\x9f\x99"), "\\xf0\\x9f\\x99");
	assert_string_equal(SHOWN("\xff"), "\\xff");
}

/* All strings of two bytes: what comes out has no control character. */
static void no_two_bytes_get_through(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 65536; i++) {
		const char in[2] = { (char)(i >> 8), (char)i };
		const char *out = shown(in, 2);
		size_t n = strlen(out);

		assert_true(n >= 1);
		for (size_t j = 0; j < n; j++) {
			unsigned char c = (unsigned char)out[j];

			assert_true(c >= 0x20 && c != 0x7f);
			assert_false(c == 0xc2 && j + 1 < n &&
				     (unsigned char)out[j + 1] < 0xa0);
		}
	}
}

static void a_line_is_cut_at_a_whole_character(void **state)
{
	char out[8];

	(void)state;
	(void)safe_line(sn_bytes_of("abcdef\033x"), out, sizeof(out));
	assert_string_equal(out, "abcdef");
	(void)safe_line(sn_bytes_of("abcdefüx"), out, sizeof(out));
	assert_string_equal(out, "abcdef");
}

static void a_second_line_is_indented(void **state)
{
	char *text = NULL;
	size_t n;
	FILE *to = open_memstream(&text, &n);

	(void)state;
	safe_print(
	    sn_bytes_of("one\n2026-01-01 10:00 bob: two\tx"), "    ", to);
	(void)fclose(to);
	assert_string_equal(text, "one\n    2026-01-01 10:00 bob: two\tx");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_of_every_language_stays),
		cmocka_unit_test(nothing_that_acts_on_a_terminal_passes),
		cmocka_unit_test(what_is_no_utf8_is_escaped_byte_by_byte),
		cmocka_unit_test(no_two_bytes_get_through),
		cmocka_unit_test(a_line_is_cut_at_a_whole_character),
		cmocka_unit_test(a_second_line_is_indented),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
