#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/people.h"

static char dir[] = "/tmp/sicher-people.XXXXXX";
static char tokens[64];
static struct people people;
static struct sn_why why;

static void make(const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(mkdir(path, 0700), 0);
}

static void put(const char *path, mode_t mode, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(close(fd), 0);
}

static void certify(const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s/cert.pem", dir, name);
	put(path, 0600, "");
}

static int begin(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(tokens, sizeof(tokens), "%s.tokens", dir);
	make("bob");
	make("bob/desk");
	certify("bob/desk");
	make("alice");
	make("alice/phone");
	certify("alice/phone");
	make("alice/laptop");
	certify("alice/laptop");
	make("carol");
	make("carol/none");
	make("..hidden");
	return (0);
}

static int end(void **state)
{
	char command[300];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -r %s %s", dir, tokens);
	return (system(command));
}

static int enter(void **state)
{
	(void)state;
	return (people_open(dir, &people, &why) == SN_OK ? 0 : -1);
}

static int leave(void **state)
{
	(void)state;
	people_free(&people);
	return (0);
}

static void everybody_with_a_certificate_by_the_first_device(void **state)
{
	(void)state;
	assert_int_equal(people.count, 2);
	assert_string_equal(people.all[0].name, "alice");
	assert_string_equal(people.all[0].device, "laptop");
	assert_string_equal(people.all[1].name, "bob");
}

static void a_folder_without_people_says_whose_it_should_be(void **state)
{
	char path[256];
	struct people none;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/carol", dir);
	assert_int_equal(people_open(path, &none, &why), SN_ENOTFOUND);
	assert_non_null(strstr(why.text, "sicher-ca issue"));
	(void)snprintf(path, sizeof(path), "%s/not there", dir);
	assert_int_equal(people_open(path, &none, &why), SN_EIO);
}

static void tokens_come_back_as_they_were(void **state)
{
	struct stat st;

	(void)state;
	memcpy(people.all[1].token, "\0\1\xff", 3);
	people.all[1].token_size = 3;
	assert_int_equal(people_save_tokens(&people, tokens, &why), SN_OK);
	assert_int_equal(stat(tokens, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	people_free(&people);
	assert_int_equal(people_open(dir, &people, &why), SN_OK);
	assert_int_equal(people.all[1].token_size, 0);
	assert_int_equal(people_load_tokens(&people, tokens, &why), SN_OK);
	assert_int_equal(people.all[0].token_size, 0);
	assert_int_equal(people.all[1].token_size, 3);
	assert_memory_equal(people.all[1].token, "\0\1\xff", 3);
}

static void tokens_of_strangers_are_passed_over(void **state)
{
	(void)state;
	put(tokens, 0600, "zoe laptop 00ff\nalice laptop 0102\n");
	assert_int_equal(people_load_tokens(&people, tokens, &why), SN_OK);
	assert_int_equal(people.all[0].token_size, 2);
	/* Another device's is no good for this one. */
	put(tokens, 0600, "bob phone 0102\n");
	assert_int_equal(people_load_tokens(&people, tokens, &why), SN_OK);
	assert_int_equal(people.all[1].token_size, 0);
}

static void a_line_that_is_none_is_named(void **state)
{
	static const char *const bad[] = { "alice laptop\n", "alice\n",
		"alice laptop xy\n", "alice laptop 0\n", "alice laptop \n" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char text[128];

		(void)snprintf(text, sizeof(text), "bob desk 00\n%s", bad[i]);
		put(tokens, 0600, text);
		assert_int_equal(
		    people_load_tokens(&people, tokens, &why), SN_EINVAL);
		assert_non_null(strstr(why.text, "line 2"));
	}
}

static void tokens_that_others_may_read_are_refused(void **state)
{
	(void)state;
	put(tokens, 0640, "alice laptop 0102\n");
	assert_int_equal(people_load_tokens(&people, tokens, &why), SN_EMODE);
	assert_int_equal(people.all[0].token_size, 0);
	assert_int_equal(unlink(tokens), 0);
	assert_int_equal(people_load_tokens(&people, tokens, &why), SN_OK);
	put(tokens, 0600, "");
}

static void a_certificate_that_is_none_is_told(void **state)
{
	(void)state;
	assert_int_not_equal(people_tls(&people.all[0], true, &why), SN_OK);
	assert_null(people.all[0].tls);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(everybody_with_a_certificate_by_the_first_device),
		TEST(a_folder_without_people_says_whose_it_should_be),
		TEST(tokens_come_back_as_they_were),
		TEST(tokens_of_strangers_are_passed_over),
		TEST(a_line_that_is_none_is_named),
		TEST(tokens_that_others_may_read_are_refused),
		TEST(a_certificate_that_is_none_is_told),
	};

	return (cmocka_run_group_tests(tests, begin, end));
}
