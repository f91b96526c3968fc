#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/conf.h"

/* libconfig forgets to free the text that stands before a syntax error. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return ("leak:libconfig.so");
}

struct house {
	bool open;
	uint64_t rooms;
	uint64_t attic;
	uint64_t lease;
	char *name;
	char *plan;
	int colour;
	struct sn_conf_list people;
};

#define AT(field) offsetof(struct house, field)
#define GIB (UINT64_C(1) << 30)

static const struct sn_conf_key keys[] = {
	{ "name", SN_CONF_STRING, AT(name), NULL, 1, 8, NULL, true,
	    "Its name." },
	{ "open", SN_CONF_BOOL, AT(open), "true", 0, 0, NULL, true, "Open?" },
	{ "plan", SN_CONF_PATH, AT(plan), "", 0, 64, NULL, true, "A file." },
	{ "people", SN_CONF_LIST, AT(people), "ann,bob", 1, 3, NULL, true,
	    "Who lives there." },
	{ "size.rooms", SN_CONF_INT, AT(rooms), "4", 1, 5000000000, NULL, true,
	    "How many." },
	{ "size.attic", SN_CONF_SIZE, AT(attic), "1GiB", 1024, 8 * GIB, NULL,
	    true, "How large." },
	{ "size.lease", SN_CONF_DURATION, AT(lease), "48h", 1000, 864000000,
	    NULL, true, "How long." },
	{ "paint.colour", SN_CONF_WORD, AT(colour), "red", 0, 0, "red|blue",
	    true, "Which." },
};
#define KEYS (sizeof(keys) / sizeof(*keys))

static enum sn_err read_house(
    const char *text, struct house *out, struct sn_conf_report *report)
{
	memset(out, 0, sizeof(*out));
	return (sn_conf_read_text(
	    sn_bytes_of(text), "/etc/house.conf", keys, KEYS, out, report));
}

static void leave(struct house *h)
{
	sn_conf_free(keys, KEYS, h);
}

/* What is wrong beside the nearest that is right, the line where, and what
 * is said of it.  Each stands behind a first line with the name. */
static const struct {
	const char *bad, *good;
	const char *says;
} twins[] = {
	/* Types. */
	{ "open = 1;", "open = false;", ":2: open needs true or false" },
	{ "open = \"true\";", "open = true;", ":2: open needs true or false" },
	{ "plan = 3;", "plan = \"3\";", ":2: plan needs a path in quotes" },
	{ "plan = [ \"a\" ];", "plan = \"a\";",
	    ":2: plan needs a path in quotes" },
	{ "people = \"ann\";", "people = [ \"ann\" ];",
	    ":2: people needs a list such as" },
	{ "people = [ 1, 2 ];", "people = [ \"1\", \"2\" ];",
	    ":2: people needs a list such as" },
	{ "size = { rooms = \"three\"; };", "size = { rooms = \"3\"; };",
	    ":2: size.rooms needs a whole number" },
	{ "size = { rooms = 3.5; };", "size = { rooms = 3; };",
	    ":2: size.rooms needs a whole number" },
	{ "size = { rooms = \"3 \"; };", "size = { rooms = \"03\"; };",
	    ":2: size.rooms needs a whole number" },
	{ "size = { rooms = { }; };", "size = { };",
	    ":2: size.rooms needs a whole number" },
	{ "size = 3;", "size = { rooms = 3; };",
	    ":2: size is a group: { key = value; }" },
	{ "paint = { colour = 1; };", "paint = { colour = \"blue\"; };",
	    ":2: paint.colour needs one of the words red|blue" },
	/* Units. */
	{ "size = { attic = \"2GB\"; };", "size = { attic = \"2GiB\"; };",
	    ":2: size.attic needs a size such as \"64MiB\"" },
	{ "size = { attic = \"GiB\"; };", "size = { attic = \"1024\"; };",
	    ":2: size.attic needs a size such as \"64MiB\"" },
	{ "size = { lease = \"90\"; };", "size = { lease = \"90s\"; };",
	    ":2: size.lease needs a time such as" },
	{ "size = { lease = 5000; };", "size = { lease = \"5000ms\"; };",
	    ":2: size.lease needs a time such as" },
	{ "size = { lease = \"-5s\"; };", "size = { lease = \"5s\"; };",
	    ":2: size.lease needs a time such as" },
	{ "size = { attic = \"16777216TiB\"; };",
	    "size = { attic = \"8GiB\"; };",
	    ":2: size.attic needs a size such as" },
	/* Ranges. */
	{ "size = { rooms = 0; };", "size = { rooms = 1; };",
	    ":2: size.rooms is 0, and must be from 1 to 5000000000" },
	{ "size = { rooms = \"5000000001\"; };",
	    "size = { rooms = \"5000000000\"; };",
	    ":2: size.rooms is 5000000001, and must be from 1 to" },
	{ "size = { attic = \"1023B\"; };", "size = { attic = \"1KiB\"; };",
	    ":2: size.attic is 1023B, and must be from 1KiB to 8GiB" },
	{ "size = { lease = \"11d\"; };", "size = { lease = \"10d\"; };",
	    ":2: size.lease is 11d, and must be from 1s to 10d" },
	{ "people = [ ];", "people = [ \"ann\" ];",
	    ":2: people has 0 entries, and must have from 1 to 3" },
	{ "people = [ \"a\", \"b\", \"c\", \"d\" ];",
	    "people = [ \"a\", \"b\", \"c\" ];",
	    ":2: people has 4 entries, and must have from 1 to 3" },
	{ "paint = { colour = \"green\"; };", "paint = { colour = \"red\"; };",
	    ":2: paint.colour is \"green\", and must be one of red|blue" },
	/* What libconfig would cut to 32 bits without a word. */
	{ "size = { rooms = 4294967298; };", "size = { rooms = 4294967298L; };",
	    ":2: rooms is 4294967298, too large" },
	{ "size = { rooms = 2147483648; };", "size = { rooms = 2147483647; };",
	    ":2: rooms is 2147483648, too large" },
	{ "size = { rooms = -1; };", "size = { rooms = 1; };",
	    ":2: size.rooms is negative" },
	{ "size = { rooms = 0x100000001; };", "size = { rooms = 0x10; };",
	    ":2: rooms is 0x100000001, too large" },
	/* Names. */
	{ "colour = \"red\";", "paint = { colour = \"red\"; };",
	    ":2: there is no key colour" },
	{ "opem = true;", "open = true;",
	    ":2: there is no key opem; did you mean open?" },
	{ "size = { room = 3; };", "size = { rooms = 3; };",
	    ":2: there is no key size.room; did you mean size.rooms?" },
	{ "wholly_elsewhere = 1;", "# wholly_elsewhere = 1;",
	    ":2: there is no key wholly_elsewhere\n" },
	/* Syntax. */
	{ "open = true;\nplan \"a\";", "open = true\nplan = \"a\"",
	    ":3: syntax error" },
	{ "people = [ \"ann\", ];", "people = [ \"ann\" ];",
	    ":2: syntax error" },
	{ "plan = \"a", "plan = \"a\";",
	    ":2: the text that begins here has no closing quote" },
	{ "plan = \"a\\\"", "plan = \"a\\\"\"",
	    ":2: the text that begins here has no closing quote" },
	{ "# it's \"\nplan = 5;", "# it's \"\nplan = \"5\";", ":3: plan" },
	{ "size = { rooms = 3;", "size = { rooms = 3; };", "syntax error" },
	/* Twice. */
	{ "open = true;\nopen = false;", "open = false;",
	    ":3: duplicate setting name" },
	{ "size = { rooms = 3; };\nsize = { attic = \"2GiB\"; };",
	    "size = { rooms = 3; attic = \"2GiB\"; };",
	    ":3: duplicate setting name" },
	/* Files that pull in others. */
	{ "@include \"/etc/passwd\"\n", "# @include \"/etc/passwd\"\n",
	    ":2: @include is not taken" },
};

static void what_is_wrong_is_named_with_its_line_and_its_twin_is_read(
    void **state)
{
	struct sn_conf_report report;
	struct house h;
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(twins) / sizeof(*twins); i++) {
		(void)snprintf(
		    text, sizeof(text), "name = \"h\";\n%s", twins[i].bad);
		if (read_house(text, &h, &report) != SN_ECONF ||
		    strstr(report.text, twins[i].says) == NULL)
			fail_msg("%s\nsays: %s\nnot: %s", twins[i].bad,
			    report.text, twins[i].says);
		/* Too large an integer shows in its value as well. */
		assert_in_range(report.errors, 1,
		    strstr(report.text, "too large") != NULL ? 2 : 1);
		(void)snprintf(
		    text, sizeof(text), "name = \"h\";\n%s", twins[i].good);
		if (read_house(text, &h, &report) != SN_OK)
			fail_msg("%s\nsays: %s", twins[i].good, report.text);
		leave(&h);
	}
}

static void a_key_that_must_be_there_is_missed(void **state)
{
	struct sn_conf_report report;
	struct house h;

	(void)state;
	assert_int_equal(read_house("open = true;", &h, &report), SN_ECONF);
	assert_non_null(strstr(report.text, "name is missing: Its name."));
	assert_int_equal(
	    read_house("name = \"12345678\";", &h, &report), SN_OK);
	leave(&h);
	assert_int_equal(
	    read_house("name = \"123456789\";", &h, &report), SN_ECONF);
	assert_non_null(strstr(report.text, "from 1 to 8"));
}

static void all_that_is_wrong_is_told_at_once(void **state)
{
	struct sn_conf_report report;
	struct house h;

	(void)state;
	assert_int_equal(
	    read_house("open = 1;\nplan = 2;\nfoo = 3;\n", &h, &report),
	    SN_ECONF);
	assert_int_equal(report.errors, 4);
	assert_non_null(strstr(report.text, "house.conf:1: open"));
	assert_non_null(strstr(report.text, "house.conf:2: plan"));
	assert_non_null(strstr(report.text, "house.conf:3: there is no key"));
	assert_non_null(strstr(report.text, "name is missing"));
}

static void a_report_of_endless_errors_has_an_end(void **state)
{
	struct sn_conf_report report;
	struct house h;
	char *text = calloc(1, 200000);
	size_t n = 0;

	(void)state;
	assert_non_null(text);
	for (unsigned i = 0; i < 4000; i++)
		n += (size_t)sprintf(text + n, "nothing_of_ours_%u = 1;\n", i);
	assert_int_equal(read_house(text, &h, &report), SN_ECONF);
	assert_int_equal(report.errors, 4001);
	assert_true(strlen(report.text) < sizeof(report.text));
	free(text);
}

static void defaults_stand_where_nothing_is_said(void **state)
{
	struct sn_conf_report report;
	struct house h;

	(void)state;
	assert_int_equal(read_house("name = \"h\";", &h, &report), SN_OK);
	assert_true(h.open);
	assert_int_equal(h.rooms, 4);
	assert_int_equal(h.attic, GIB);
	assert_int_equal(h.lease, 48 * 3600 * 1000);
	assert_string_equal(h.plan, "");
	assert_int_equal(h.colour, 0);
	assert_int_equal(h.people.count, 2);
	assert_string_equal(h.people.items[1], "bob");
	leave(&h);
}

static void a_relative_path_means_the_folder_of_the_file(void **state)
{
	struct sn_conf_report report;
	struct house h;

	(void)state;
	assert_int_equal(
	    read_house("name = \"h\"; plan = \"a/b\";", &h, &report), SN_OK);
	assert_string_equal(h.plan, "/etc/a/b");
	leave(&h);
	assert_int_equal(
	    read_house("name = \"h\"; plan = \"/a/b\";", &h, &report), SN_OK);
	assert_string_equal(h.plan, "/a/b");
	leave(&h);
}

/* Every beginning of a good file is refused or read, and nothing else. */
static void beginnings_of_a_file_do_no_harm(void **state)
{
	static const char whole[] =
	    "name = \"h\"; open = false; plan = \"x\\\"y\";\n"
	    "people = [ \"a\", \"b\" ]; size: { rooms = 3; lease = \"2d\"; };\n"
	    "# the end\n";
	struct sn_conf_report report;
	struct house h;
	char text[sizeof(whole)];

	(void)state;
	for (size_t n = 0; n < sizeof(whole); n++) {
		memcpy(text, whole, n);
		text[n < sizeof(whole) ? n : n - 1] = '\0';
		if (read_house(text, &h, &report) == SN_OK)
			leave(&h);
		else
			assert_true(report.errors > 0);
	}
}

static void what_is_dumped_reads_back_the_same(void **state)
{
	struct sn_conf_report report;
	struct house h, again;
	char *text = NULL, *twice = NULL;
	size_t n;
	FILE *to;

	(void)state;
	assert_int_equal(
	    read_house("name = \"q\\\"\\\\\"; size = { rooms = \"5000000000\"; "
		       "lease = \"1500ms\"; }; people = [ \"x y\" ];",
		&h, &report),
	    SN_OK);
	to = open_memstream(&text, &n);
	sn_conf_dump(keys, KEYS, &h, to);
	assert_int_equal(fclose(to), 0);
	assert_int_equal(read_house(text, &again, &report), SN_OK);
	assert_string_equal(again.name, "q\"\\");
	assert_int_equal(again.rooms, 5000000000);
	assert_int_equal(again.lease, 1500);
	to = open_memstream(&twice, &n);
	sn_conf_dump(keys, KEYS, &again, to);
	assert_int_equal(fclose(to), 0);
	assert_string_equal(text, twice);
	free(text);
	free(twice);
	leave(&h);
	leave(&again);
}

static void a_file_that_is_not_there_is_named(void **state)
{
	struct sn_conf_report report;
	struct house h = { .name = NULL };

	(void)state;
	assert_int_equal(
	    sn_conf_read("/nowhere/house.conf", keys, KEYS, &h, &report),
	    SN_ENOTFOUND);
	assert_non_null(strstr(report.text, "/nowhere/house.conf"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    what_is_wrong_is_named_with_its_line_and_its_twin_is_read),
		cmocka_unit_test(a_key_that_must_be_there_is_missed),
		cmocka_unit_test(all_that_is_wrong_is_told_at_once),
		cmocka_unit_test(a_report_of_endless_errors_has_an_end),
		cmocka_unit_test(defaults_stand_where_nothing_is_said),
		cmocka_unit_test(a_relative_path_means_the_folder_of_the_file),
		cmocka_unit_test(beginnings_of_a_file_do_no_harm),
		cmocka_unit_test(what_is_dumped_reads_back_the_same),
		cmocka_unit_test(a_file_that_is_not_there_is_named),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
