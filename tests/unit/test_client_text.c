#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <locale.h>

#include <cmocka.h>

#include "client/canvas.h"
#include "client/edit.h"
#include "client/text.h"

static void widths_are_those_of_the_library(void **state)
{
	(void)state;
	assert_int_equal(text_width(sn_bytes_of("abc")), 3);
	assert_int_equal(text_width(sn_bytes_of("Grüße")), 5);
	assert_int_equal(text_width(sn_bytes_of("你好")), 4);
	assert_int_equal(text_width(sn_bytes_of("🙂")), 2);
	assert_int_equal(text_width(sn_bytes_of("e\u0301")), 1);
	assert_int_equal(text_width(sn_bytes_of("\t")), TEXT_TAB);
}

static void what_acts_on_a_terminal_is_spelled_out(void **state)
{
	struct canvas canvas = { 0 };
	char row[256];

	(void)state;
	assert_int_equal(canvas_size(&canvas, 1, 60), SN_OK);
	(void)canvas_put(&canvas, 0, 0, 60,
	    sn_bytes_of("a\033[2J\x9b\u202eb\xc2\x85\n\r"), CANVAS_PLAIN);
	assert_string_equal(canvas_row(&canvas, 0, row, sizeof(row)),
	    "a\\x1b[2J\\x9b\\u{202e}b\\u{85}\\x0a\\x0d");
	canvas_free(&canvas);
}

/* Whatever bytes come: no cell has anything but what can be printed. */
static void no_bytes_bring_a_control_character_into_a_cell(void **state)
{
	struct canvas canvas = { 0 };

	(void)state;
	assert_int_equal(canvas_size(&canvas, 1, 40), SN_OK);
	for (unsigned i = 0; i < 65536; i++) {
		const char in[3] = { (char)(i >> 8), (char)i, 'x' };

		canvas_fill(&canvas, 0, 0, 40, CANVAS_PLAIN);
		(void)canvas_put(&canvas, 0, 0, 40,
		    (struct sn_bytes){ in, sizeof(in) }, CANVAS_PLAIN);
		for (int col = 0; col < 40; col++) {
			struct canvas_cell *cell = canvas_cell(&canvas, 0, col);

			for (unsigned j = 0; j < cell->count; j++)
				assert_true(wcwidth(cell->c[j]) >= 0 &&
					    cell->c[j] != L'\0');
		}
	}
	canvas_free(&canvas);
}

static void a_wide_character_is_whole_or_not_there(void **state)
{
	struct canvas canvas = { 0 };
	char row[64];

	(void)state;
	assert_int_equal(canvas_size(&canvas, 1, 5), SN_OK);
	assert_int_equal(
	    canvas_put(&canvas, 0, 0, 5, sn_bytes_of("你好吗"), CANVAS_PLAIN),
	    4);
	assert_string_equal(canvas_row(&canvas, 0, row, sizeof(row)), "你好");
	canvas_free(&canvas);
}

static void marks_are_stacked_and_no_more_than_fit(void **state)
{
	struct canvas canvas = { 0 };

	(void)state;
	assert_int_equal(canvas_size(&canvas, 1, 5), SN_OK);
	(void)canvas_put(&canvas, 0, 0, 5,
	    sn_bytes_of("e\u0301\u0302\u0303\u0304\u0305x"), CANVAS_PLAIN);
	assert_int_equal(canvas_cell(&canvas, 0, 0)->count, CANVAS_STACK);
	assert_int_equal(canvas_cell(&canvas, 0, 1)->c[0], L'x');
	/* One at the very edge has nothing to go onto. */
	(void)canvas_put(
	    &canvas, 0, 0, 5, sn_bytes_of("\u0301y"), CANVAS_PLAIN);
	assert_int_equal(canvas_cell(&canvas, 0, 0)->c[0], L'y');
	canvas_free(&canvas);
}

static const char *wrapped(const char *text, int width, enum text_break how)
{
	static char out[512];
	struct sn_bytes b = sn_bytes_of(text);
	size_t n = 0, next, end;

	for (size_t at = 0; at < b.n; at = next) {
		end = text_line(b, at, width, how, &next);
		assert_true(next > at);
		assert_true(text_width((struct sn_bytes){
				text + at, end - at }) <= width ||
			    width < 2);
		n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%.*s",
		    at > 0 ? "|" : "", (int)(end - at), text + at);
	}
	return (out);
}

static void lines_break_between_words_or_where_they_must(void **state)
{
	(void)state;
	assert_string_equal(
	    wrapped("one two three", 8, TEXT_WORDS), "one two |three");
	assert_string_equal(
	    wrapped("one two three", 7, TEXT_WORDS), "one two|three");
	assert_string_equal(
	    wrapped("abcdefghij kl", 4, TEXT_WORDS), "abcd|efgh|ij |kl");
	assert_string_equal(wrapped("a\n\nb", 4, TEXT_WORDS), "a||b");
	assert_string_equal(wrapped("你好吗", 5, TEXT_WORDS), "你好|吗");
	assert_string_equal(
	    wrapped("one two three", 5, TEXT_HARD), "one t|wo th|ree");
	/* Too narrow for what has to be shown: still an end. */
	assert_string_equal(wrapped("你好", 1, TEXT_WORDS), "你|好");
}

static const char *typed(struct edit *edit, const char *text)
{
	static char out[256];

	if (text != NULL)
		assert_true(edit_insert(edit, sn_bytes_of(text)));
	(void)snprintf(out, sizeof(out), "%.*s^%.*s", (int)edit->at, edit->text,
	    (int)(edit->n - edit->at), edit->text + edit->at);
	return (out);
}

static void typing_goes_by_characters_not_by_bytes(void **state)
{
	struct edit *edit = calloc(1, sizeof(*edit));

	(void)state;
	assert_string_equal(typed(edit, "Grüße e\u0301"), "Grüße e\u0301^");
	edit_erase(edit, EDIT_LEFT);
	assert_string_equal(typed(edit, NULL), "Grüße ^");
	edit_move(edit, EDIT_WORD_LEFT);
	edit_move(edit, EDIT_RIGHT);
	edit_move(edit, EDIT_RIGHT);
	edit_erase(edit, EDIT_RIGHT);
	assert_string_equal(typed(edit, "你"), "Gr你^ße ");
	edit_move(edit, EDIT_LEFT);
	edit_erase(edit, EDIT_END);
	assert_string_equal(typed(edit, "\nx y"), "Gr\nx y^");
	edit_erase(edit, EDIT_WORD_LEFT);
	edit_erase(edit, EDIT_START);
	assert_string_equal(typed(edit, NULL), "Gr\n^");
	edit_move(edit, EDIT_RIGHT);
	edit_erase(edit, EDIT_RIGHT);
	assert_string_equal(typed(edit, NULL), "Gr\n^");
	free(edit);
}

static void what_is_typed_holds_no_control_characters(void **state)
{
	struct edit *edit = calloc(1, sizeof(*edit));

	(void)state;
	assert_string_equal(
	    typed(edit, "a\033[31m\x9b\xc2\x9b\x7f\tb\r"), "a[31m\tb\n^");
	free(edit);
}

static void the_longest_fits_and_one_more_changes_nothing(void **state)
{
	struct edit *edit = calloc(1, sizeof(*edit));
	char *text = malloc(SN_FRAME_BODY_MAX);

	(void)state;
	memset(text, 'x', SN_FRAME_BODY_MAX);
	assert_true(edit_insert(
	    edit, (struct sn_bytes){ text, SN_FRAME_BODY_MAX - 1 }));
	assert_false(edit_insert(edit, sn_bytes_of("ü")));
	assert_int_equal(edit->n, SN_FRAME_BODY_MAX - 1);
	assert_true(edit_insert(edit, sn_bytes_of("y")));
	assert_false(edit_insert(edit, sn_bytes_of("z")));
	assert_int_equal(edit->n, SN_FRAME_BODY_MAX);
	free(text);
	free(edit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(widths_are_those_of_the_library),
		cmocka_unit_test(what_acts_on_a_terminal_is_spelled_out),
		cmocka_unit_test(
		    no_bytes_bring_a_control_character_into_a_cell),
		cmocka_unit_test(a_wide_character_is_whole_or_not_there),
		cmocka_unit_test(marks_are_stacked_and_no_more_than_fit),
		cmocka_unit_test(lines_break_between_words_or_where_they_must),
		cmocka_unit_test(typing_goes_by_characters_not_by_bytes),
		cmocka_unit_test(what_is_typed_holds_no_control_characters),
		cmocka_unit_test(the_longest_fits_and_one_more_changes_nothing),
	};

	(void)setlocale(LC_CTYPE, "C.UTF-8");
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
