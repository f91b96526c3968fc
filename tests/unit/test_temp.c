/* Files in the making: they appear whole, and what is left is told apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/temp.h"

#define HEX "0123456789abcdef"

struct house {
	char dir[64], path[128];
	struct sn_why why;
};

static int set_up(void **state)
{
	struct house *h = calloc(1, sizeof(*h));

	assert_non_null(h);
	(void)snprintf(h->dir, sizeof(h->dir), "/tmp/temp-XXXXXX");
	assert_non_null(mkdtemp(h->dir));
	(void)snprintf(h->path, sizeof(h->path), "%s/file", h->dir);
	*state = h;
	return (0);
}

/* The number of entries; with ${remove} they go. */
static unsigned entries(struct house *h, bool remove)
{
	DIR *d = opendir(h->dir);
	struct dirent *e;
	unsigned count = 0;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		count++;
		if (remove)
			assert_int_equal(unlinkat(dirfd(d), e->d_name, 0), 0);
	}
	(void)closedir(d);
	return (count);
}

static int tear_down(void **state)
{
	struct house *h = *state;

	(void)entries(h, true);
	(void)rmdir(h->dir);
	free(h);
	return (0);
}

static void put(struct house *h, const char *name, const char *text)
{
	char path[256];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", h->dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)close(fd);
}

static void holds(struct house *h, const char *text)
{
	char have[64] = "";
	int fd = open(h->path, O_RDONLY);

	assert_true(fd >= 0);
	assert_int_equal(
	    read(fd, have, sizeof(have) - 1), (ssize_t)strlen(text));
	assert_string_equal(have, text);
	(void)close(fd);
}

static enum sn_err make(struct house *h, const char *text, bool replace)
{
	struct sn_temp t;

	assert_int_equal(sn_temp_open(h->path, 0640, &t, &h->why), SN_OK);
	assert_int_equal(
	    write(t.fd, text, strlen(text)), (ssize_t)strlen(text));
	return (sn_temp_appear(&t, h->path, replace, &h->why));
}

static void test_it_appears_whole_and_of_the_mode_asked_for(void **state)
{
	struct house *h = *state;
	mode_t mask = umask(077);
	struct stat st;

	assert_int_equal(make(h, "first", false), SN_OK);
	(void)umask(mask);
	holds(h, "first");
	assert_int_equal(stat(h->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(entries(h, false), 1);
}

static void test_what_is_there_stays_unless_it_is_to_be_replaced(void **state)
{
	struct house *h = *state;

	put(h, "file", "old");
	assert_int_equal(make(h, "new", false), SN_EEXISTS);
	holds(h, "old");
	assert_int_equal(make(h, "new", true), SN_OK);
	holds(h, "new");
	assert_int_equal(entries(h, false), 1);
}

static void test_before_it_appears_nobody_sees_it(void **state)
{
	struct house *h = *state;
	struct sn_temp t;

	assert_int_equal(sn_temp_open(h->path, 0600, &t, &h->why), SN_OK);
	/* Where there are no files without a name, it is one that is swept. */
	assert_int_equal(entries(h, false), t.name[0] == '\0' ? 0 : 1);
	sn_temp_drop(&t);
	assert_int_equal(entries(h, false), 0);
}

static void test_a_missing_folder_is_told(void **state)
{
	struct house *h = *state;
	struct sn_temp t;

	(void)snprintf(h->path, sizeof(h->path), "%s/none/file", h->dir);
	assert_int_equal(
	    sn_temp_open(h->path, 0600, &t, &h->why), SN_ENOTFOUND);
	assert_non_null(strstr(h->why.text, h->path));
}

static void test_only_the_very_form_is_a_temporary_name(void **state)
{
	(void)state;
	assert_int_equal(sn_temp_is("file.tmp-" HEX), 4);
	assert_int_equal(sn_temp_is("a.tmp-b.tmp-" HEX), 7);
	assert_int_equal(sn_temp_is(".tmp-" HEX), 0);
	assert_int_equal(sn_temp_is("file.tmp-0123456789abcde"), 0);
	assert_int_equal(sn_temp_is("file.tmp-0123456789abcdeg"), 0);
	assert_int_equal(sn_temp_is("file.tmp-" HEX "0"), 0);
	assert_int_equal(sn_temp_is("file.tmp-" HEX ".pem"), 0);
	assert_int_equal(sn_temp_is(""), 0);
}

static bool is_key(int fd, const char *entry, size_t n)
{
	char c;

	return (n == 3 && strncmp(entry, "key", 3) == 0 &&
		pread(fd, &c, 1, 0) == 1 && c == 'k');
}

static void test_what_is_ours_and_locked_by_nobody_is_swept(void **state)
{
	struct house *h = *state;
	char path[256], link[256];
	int fd;

	put(h, "key.tmp-" HEX, "k");
	put(h, "key.tmp-0000000000000000", "other");
	put(h, "cer.tmp-" HEX, "k");
	put(h, "key", "k");
	(void)snprintf(path, sizeof(path), "%s/key", h->dir);
	(void)snprintf(
	    link, sizeof(link), "%s/key.tmp-1111111111111111", h->dir);
	assert_int_equal(symlink(path, link), 0);
	/* One that is being written. */
	put(h, "key.tmp-2222222222222222", "k");
	(void)snprintf(
	    path, sizeof(path), "%s/key.tmp-2222222222222222", h->dir);
	fd = open(path, O_RDWR);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(sn_temp_sweep(h->dir, is_key), 1);
	assert_int_equal(entries(h, false), 5);
	(void)close(fd);
	assert_int_equal(sn_temp_sweep(h->dir, is_key), 1);
	assert_int_equal(entries(h, false), 4);
	assert_int_equal(sn_temp_sweep("/nowhere", is_key), 0);
}

/* As root, in a folder where anybody may have files. */
static void test_what_others_own_is_not_swept(void **state)
{
	struct house *h = *state;
	char path[256];

	if (geteuid() != 0)
		skip();
	put(h, "key.tmp-" HEX, "k");
	(void)snprintf(path, sizeof(path), "%s/key.tmp-" HEX, h->dir);
	assert_int_equal(chown(path, 65534, 65534), 0);
	assert_int_equal(sn_temp_sweep(h->dir, is_key), 0);
	assert_int_equal(entries(h, false), 1);
	assert_int_equal(chown(path, 0, 0), 0);
	assert_int_equal(sn_temp_sweep(h->dir, is_key), 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_it_appears_whole_and_of_the_mode_asked_for),
		CASE(test_what_is_there_stays_unless_it_is_to_be_replaced),
		CASE(test_before_it_appears_nobody_sees_it),
		CASE(test_a_missing_folder_is_told),
		CASE(test_only_the_very_form_is_a_temporary_name),
		CASE(test_what_is_ours_and_locked_by_nobody_is_swept),
		CASE(test_what_others_own_is_not_swept),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
