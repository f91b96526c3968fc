#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/cli.h"

#define ARGS_MAX 16

static int marker;

static int ran_add(struct sn_cli *cli)
{
	assert_string_equal(sn_cli_arg(cli, 0), "alice");
	assert_int_equal(sn_cli_args(cli), 1);
	assert_null(sn_cli_arg(cli, 1));
	assert_string_equal(sn_cli_value(cli, "role"), "user");
	return (42);
}

static int ran_show(struct sn_cli *cli)
{
	assert_true(sn_cli_has(cli, "json"));
	assert_false(sn_cli_has(cli, "dir"));
	assert_string_equal(sn_cli_nth(cli, "san", 0), "a");
	assert_string_equal(sn_cli_nth(cli, "san", 1), "b");
	assert_null(sn_cli_nth(cli, "san", 2));
	assert_string_equal(sn_cli_value(cli, "san"), "b");
	assert_ptr_equal(sn_cli_context(cli), &marker);
	return (43);
}

static int ran_dir(struct sn_cli *cli)
{
	assert_string_equal(sn_cli_value(cli, "dir"), "somewhere");
	return (44);
}

static int ran_list(struct sn_cli *cli)
{
	assert_int_equal(sn_cli_args(cli), 0);
	return (45);
}

static const struct sn_cli_option all_options[] = {
	{ "dir", 'D', "DIR", "where" },
	{ "json", 'j', NULL, "for scripts" },
	{ NULL, 0, NULL, NULL },
};
static const struct sn_cli_option add_options[] = {
	{ "role", 0, "ROLE", "user or operator" },
	{ NULL, 0, NULL, NULL },
};
static const struct sn_cli_option show_options[] = {
	{ "san", 's', "NAME", "may be repeated" },
	{ NULL, 0, NULL, NULL },
};
static const struct sn_cli_command commands[] = {
	{ "account add", "ACCOUNT", "add", add_options, NULL, 1, 1, ran_add },
	{ "account list", NULL, "list", NULL, NULL, 0, 0, ran_dir },
	{ "show", "[NAME]", "show", show_options, NULL, 0, 1, ran_show },
	{ "list", NULL, "the same as list all", NULL, NULL, 0, 0, ran_list },
	{ "list all", NULL, "list all", NULL, NULL, 0, 0, ran_list },
	{ NULL, NULL, NULL, NULL, NULL, 0, 0, NULL },
};
static const struct sn_cli_program program = {
	.name = "prog",
	.summary = "for tests",
	.version = "2.5",
	.options = all_options,
	.commands = commands,
	.usage_exit = 64,
	.output_exit = 74,
};

static int run(const char *line)
{
	static char text[256];
	char *argv[ARGS_MAX + 1], *save = NULL;
	int argc = 0;

	(void)snprintf(text, sizeof(text), "prog %s", line);
	for (char *w = strtok_r(text, " ", &save); w != NULL && argc < ARGS_MAX;
	     w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	argv[argc] = NULL;
	return (sn_cli_run(&program, argc, argv, &marker));
}

static void commands_of_one_and_two_words_run(void **state)
{
	(void)state;
	assert_int_equal(run("account add alice --role user"), 42);
	assert_int_equal(run("account add --role=user alice"), 42);
	assert_int_equal(run("show --json --san a -sb"), 43);
}

static void options_of_all_may_stand_before_the_command(void **state)
{
	(void)state;
	assert_int_equal(run("--dir somewhere account list"), 44);
	assert_int_equal(run("-D somewhere account list"), 44);
	assert_int_equal(run("--dir=somewhere account list"), 44);
	assert_int_equal(run("account list --dir elsewhere -Dsomewhere"), 44);
}

static void mistakes_give_the_usage_status(void **state)
{
	(void)state;
	assert_int_equal(run(""), 64);
	assert_int_equal(run("acount add alice"), 64);
	assert_int_equal(run("account"), 64);
	assert_int_equal(run("account ad alice"), 64);
	assert_int_equal(run("account add"), 64);
	assert_int_equal(run("account add a b"), 64);
	assert_int_equal(run("account add alice --role"), 64);
	assert_int_equal(run("account add alice --san x"), 64);
	assert_int_equal(run("show --json=1"), 64);
}

/* What ${line} is answered with on standard error. */
static const char *complaint(const char *line)
{
	static char text[512];
	FILE *to = tmpfile();
	int old = dup(STDERR_FILENO);
	size_t n;

	assert_non_null(to);
	assert_true(old >= 0 && dup2(fileno(to), STDERR_FILENO) >= 0);
	assert_int_equal(run(line), 64);
	assert_true(fflush(stderr) == 0 && dup2(old, STDERR_FILENO) >= 0);
	assert_int_equal(close(old), 0);
	rewind(to);
	n = fread(text, 1, sizeof(text) - 1, to);
	text[n] = '\0';
	assert_int_equal(fclose(to), 0);
	return (text);
}

static void mistakes_are_told_by_their_word(void **state)
{
	(void)state;
	assert_string_equal(
	    complaint(""), "prog: which command? See prog --help\n");
	assert_string_equal(
	    complaint("--json"), "prog: which command? See prog --help\n");
	assert_string_equal(complaint("-D x --jsom"),
	    "prog: there is no option --jsom. See prog --help\n");
	assert_string_equal(complaint("frobnicate"),
	    "prog: there is no command \"frobnicate\". See prog --help\n");
	assert_string_equal(complaint("shwo"),
	    "prog: there is no command \"shwo\"; did you mean \"show\"? "
	    "See prog --help\n");
}

/* A command that is the first word of others, too. */
static void a_second_word_is_a_command_or_none(void **state)
{
	(void)state;
	assert_int_equal(run("list"), 45);
	assert_int_equal(run("list --json"), 45);
	assert_int_equal(run("list all"), 45);
	assert_string_equal(complaint("list al"),
	    "prog: there is no command \"list al\"; did you mean "
	    "\"list all\"? See prog --help\n");
}

static void the_version_is_told_without_a_command(void **state)
{
	(void)state;
	assert_int_equal(run("--version"), 0);
	assert_int_equal(run("-D somewhere --version"), 0);
	assert_int_equal(run("show --version"), 0);
}

static void help_is_no_mistake(void **state)
{
	(void)state;
	assert_int_equal(run("--help"), 0);
	assert_int_equal(run("account --help"), 0);
	assert_int_equal(run("account add --help"), 0);
	assert_int_equal(run("show -h"), 0);
	assert_int_equal(run("help show"), 0);
}

/* The status of ${line} with standard output in ${path}. */
static int run_into(const char *path, const char *line)
{
	int status, old = dup(STDOUT_FILENO), to = open(path, O_WRONLY);

	assert_int_equal(fflush(stdout), 0);
	assert_true(old >= 0 && to >= 0 && dup2(to, STDOUT_FILENO) >= 0);
	status = run(line);
	assert_true(dup2(old, STDOUT_FILENO) >= 0);
	clearerr(stdout);
	(void)fflush(stdout);
	assert_true(close(old) == 0 && close(to) == 0);
	return (status);
}

static void output_that_found_no_room_is_no_success(void **state)
{
	(void)state;
	assert_int_equal(run_into("/dev/full", "--version"), 74);
	assert_int_equal(run_into("/dev/null", "--version"), 0);
	assert_int_equal(run_into("/dev/full", "--help"), 74);
	assert_int_equal(run_into("/dev/null", "--help"), 0);
	/* What failed says so by its own status, and what says nothing by
	 * its own as well. */
	assert_int_equal(run_into("/dev/full", "list"), 45);
	assert_int_equal(run_into("/dev/full", "nonsense"), 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_of_one_and_two_words_run),
		cmocka_unit_test(options_of_all_may_stand_before_the_command),
		cmocka_unit_test(mistakes_give_the_usage_status),
		cmocka_unit_test(mistakes_are_told_by_their_word),
		cmocka_unit_test(a_second_word_is_a_command_or_none),
		cmocka_unit_test(the_version_is_told_without_a_command),
		cmocka_unit_test(help_is_no_mistake),
		cmocka_unit_test(output_that_found_no_room_is_no_success),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
