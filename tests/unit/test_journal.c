/*
 * The journal: what was synced comes back, and nothing else does, whatever
 * the disk has behind it and wherever a write was cut.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "server/oplog/journal.h"

#define KEY UINT64_C(0x0123456789abcdef)
#define HEAD 4096

/* The disk that the journal meets here: these stand before the C library's. */
static int sync_fails, write_fails;
static size_t write_most = SIZE_MAX; /* Bytes that a write takes. */

int fdatasync(int fd)
{
	errno = sync_fails;
	return (sync_fails != 0 ? -1 : fsync(fd));
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	errno = write_fails;
	if (write_fails != 0)
		return (-1);
	return (
	    syscall(SYS_pwrite64, fd, p, n < write_most ? n : write_most, at));
}

struct bed {
	char dir[64], path[80];
	struct journal *journal;
	uint64_t last; /* What the tables hold. */
};

static int begin(void **state)
{
	struct bed *b = calloc(1, sizeof(*b));

	(void)snprintf(b->dir, sizeof(b->dir), "/tmp/sn-journal-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	(void)snprintf(b->path, sizeof(b->path), "%s/journal", b->dir);
	assert_int_equal(journal_make(b->dir, KEY, &b->journal, NULL), SN_OK);
	*state = b;
	return (0);
}

static int end(void **state)
{
	struct bed *b = *state;

	sync_fails = write_fails = 0;
	write_most = SIZE_MAX;
	journal_close(b->journal);
	(void)unlink(b->path);
	assert_int_equal(rmdir(b->dir), 0);
	free(b);
	return (0);
}

static void reopen(struct bed *b)
{
	journal_close(b->journal);
	assert_int_equal(journal_open(b->dir, KEY, &b->journal, NULL), SN_OK);
}

static void add(struct bed *b, uint64_t seq, const char *op)
{
	assert_int_equal(journal_add(b->journal, seq, sn_bytes_of(op)), SN_OK);
}

/* An entry of these operations. */
static void put(struct bed *b, uint64_t seq, const char *one, const char *two)
{
	add(b, seq, one);
	if (two != NULL)
		add(b, seq + 1, two);
	assert_int_equal(journal_sync(b->journal), SN_OK);
}

static enum sn_err say(void *arg, uint64_t seq, struct sn_bytes op)
{
	char *at = strchr(arg, '\0');

	(void)sprintf(at, "%llu=%.*s ", (unsigned long long)seq, (int)op.n,
	    (const char *)op.p);
	return (SN_OK);
}

/* What it holds: "7=one 8=two ". */
static const char *held(struct bed *b)
{
	static char text[4096];

	text[0] = '\0';
	assert_int_equal(journal_replay(b->journal, b->last, say, text), SN_OK);
	return (text);
}

static off_t length(struct bed *b)
{
	struct stat st;

	assert_int_equal(stat(b->path, &st), 0);
	return (st.st_size);
}

static void flip(struct bed *b, off_t at)
{
	int fd = open(b->path, O_RDWR | O_CLOEXEC);
	uint8_t byte;

	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 0x40;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	(void)close(fd);
}

static void what_was_synced_comes_back_in_order(void **state)
{
	struct bed *b = *state;

	assert_string_equal(held(b), "");
	put(b, 7, "one", "two");
	put(b, 9, "three", NULL);
	add(b, 10, "never synced");
	reopen(b);
	assert_string_equal(held(b), "7=one 8=two 9=three ");
	/* And it goes on where it ends. */
	put(b, 10, "four", NULL);
	reopen(b);
	assert_string_equal(held(b), "7=one 8=two 9=three 10=four ");
}

static enum sn_err refuse(void *arg, uint64_t seq, struct sn_bytes op)
{
	(void)op;
	*(uint64_t *)arg = seq;
	return (seq == 8 ? SN_ESTOREFULL : SN_OK);
}

static void the_first_error_of_the_reader_is_the_replays(void **state)
{
	struct bed *b = *state;
	uint64_t last = 0;

	put(b, 7, "one", "two");
	put(b, 9, "three", NULL);
	assert_int_equal(
	    journal_replay(b->journal, 0, refuse, &last), SN_ESTOREFULL);
	assert_int_equal(last, 8);
}

static void an_entry_that_is_not_whole_ends_it_wherever_it_was_cut(void **state)
{
	struct bed *b = *state;
	off_t from, to;

	put(b, 7, "one", "two");
	from = length(b);
	put(b, 9, "three", "four");
	to = length(b);
	for (off_t at = from; at < to; at++) {
		flip(b, at);
		reopen(b);
		assert_string_equal(held(b), "7=one 8=two ");
		flip(b, at);
	}
	for (off_t at = to - 1; at >= from; at--) {
		assert_int_equal(truncate(b->path, at), 0);
		reopen(b);
		assert_string_equal(held(b), "7=one 8=two ");
	}
	/* What is written over the rest of it counts. */
	put(b, 9, "again", NULL);
	reopen(b);
	assert_string_equal(held(b), "7=one 8=two 9=again ");
}

/* A bit that falls in an entry that was whole loses those behind it. */
static void an_entry_that_is_damaged_is_told_from_one_that_was_cut_off(
    void **state)
{
	struct bed *b = *state;
	char text[64] = "";
	off_t from, to;

	put(b, 7, "one", "two");
	from = length(b);
	put(b, 9, "three", "four");
	to = length(b);
	put(b, 11, "five", NULL);
	/* But for its length and checksum, by which the next one is known. */
	for (off_t at = from + 8; at < to; at++) {
		flip(b, at);
		reopen(b);
		text[0] = '\0';
		assert_int_equal(
		    journal_replay(b->journal, 6, say, text), SN_ECORRUPT);
		assert_string_equal(text, "7=one 8=two ");
		/* What the tables hold is of an earlier round. */
		assert_int_equal(
		    journal_replay(b->journal, 11, say, text), SN_OK);
		flip(b, at);
	}
	/* The last one cannot be told apart. */
	flip(b, to + 17);
	reopen(b);
	assert_string_equal(held(b), "7=one 8=two 9=three 10=four ");
}

static void what_an_earlier_round_has_left_is_not_taken_for_this_ones(
    void **state)
{
	struct bed *b = *state;

	/* Entries of one length, so that those left stand where the next
	 * would. */
	put(b, 1, "aaaa", NULL);
	put(b, 2, "bbbb", NULL);
	put(b, 3, "cccc", NULL);
	journal_restart(b->journal);
	b->last = 3;
	assert_int_equal(journal_used(b->journal), 0);
	put(b, 4, "dddd", NULL);
	assert_string_equal(held(b), "4=dddd ");
	/* Not even where its sequence would be the next one: the second entry
	 * was cut off, and its operation came again. */
	journal_restart(b->journal);
	put(b, 1, "eeee", NULL);
	assert_string_equal(held(b), "1=eeee ");
	reopen(b);
	assert_string_equal(held(b), "1=eeee ");
}

static void a_journal_of_another_database_is_refused(void **state)
{
	struct bed *b = *state;
	struct journal *other;
	struct sn_why why = { "" };

	/* As long as there is nothing in it, it is as good as none. */
	assert_int_equal(
	    journal_open(b->dir, KEY + 1, &other, &why), SN_ENOTFOUND);
	put(b, 7, "one", NULL);
	assert_int_equal(
	    journal_open(b->dir, KEY + 1, &other, &why), SN_ECORRUPT);
	assert_non_null(strstr(why.text, "another database"));
	flip(b, 0);
	assert_int_equal(journal_open(b->dir, KEY, &other, &why), SN_ECORRUPT);
	assert_non_null(strstr(why.text, "is no journal"));
	flip(b, 0);
	assert_int_equal(journal_open(b->dir, KEY, &other, &why), SN_OK);
	journal_close(other);
}

static void one_that_is_made_takes_the_place_of_another(void **state)
{
	struct bed *b = *state;

	put(b, 7, "one", NULL);
	journal_close(b->journal);
	assert_int_equal(
	    journal_make(b->dir, KEY + 1, &b->journal, NULL), SN_OK);
	assert_string_equal(held(b), "");
	put(b, 1, "two", NULL);
	assert_string_equal(held(b), "1=two ");
}

static void where_there_is_none_none_is_found(void **state)
{
	struct bed *b = *state;
	struct journal *other;

	assert_int_equal(unlink(b->path), 0);
	assert_int_equal(journal_open(b->dir, KEY, &other, NULL), SN_ENOTFOUND);
}

static void what_does_not_fit_is_refused_and_the_rest_is_kept(void **state)
{
	struct bed *b = *state;
	size_t most = JOURNAL_BYTES - 16 - 4;
	uint8_t *big = calloc(1, most + 1);

	assert_int_equal(
	    journal_add(b->journal, 1, (struct sn_bytes){ big, most + 1 }),
	    SN_EFULL);
	assert_int_equal(
	    journal_add(b->journal, 1, (struct sn_bytes){ big, most }), SN_OK);
	assert_int_equal(journal_add(b->journal, 2, sn_bytes_of("")), SN_EFULL);
	journal_drop(b->journal);
	put(b, 1, "one", NULL);
	assert_int_equal(
	    journal_add(b->journal, 2, (struct sn_bytes){ big, most }),
	    SN_EFULL);
	put(b, 2, "two", NULL);
	reopen(b);
	assert_string_equal(held(b), "1=one 2=two ");
	free(big);
}

/* Not even of what it holds beside the operation. */
static void where_no_entry_fits_any_more_none_is_taken(void **state)
{
	struct bed *b = *state;
	size_t most = JOURNAL_BYTES - 16 - 4;
	uint8_t *big = calloc(1, most);

	for (size_t left = 0; left < 20; left++) {
		journal_restart(b->journal);
		assert_int_equal(journal_add(b->journal, 1,
				     (struct sn_bytes){ big, most - left }),
		    SN_OK);
		assert_int_equal(journal_sync(b->journal), SN_OK);
		assert_int_equal(
		    journal_add(b->journal, 2, sn_bytes_of("")), SN_EFULL);
	}
	free(big);
}

static void a_full_disk_takes_no_entry_and_the_next_one_can_follow(void **state)
{
	struct bed *b = *state;

	put(b, 1, "one", NULL);
	write_fails = ENOSPC;
	add(b, 2, "two");
	assert_int_equal(journal_sync(b->journal), SN_ESTOREFULL);
	write_fails = 0;
	write_most = 10; /* All that there is room for. */
	add(b, 2, "two");
	assert_int_equal(journal_sync(b->journal), SN_ESTOREFULL);
	write_most = SIZE_MAX;
	assert_string_equal(held(b), "1=one ");
	put(b, 2, "other", NULL);
	reopen(b);
	assert_string_equal(held(b), "1=one 2=other ");
}

static void a_disk_that_fails_is_told_apart_from_a_full_one(void **state)
{
	struct bed *b = *state;

	write_fails = EIO;
	add(b, 1, "one");
	assert_int_equal(journal_sync(b->journal), SN_EIO);
	write_fails = 0;
	sync_fails = EIO;
	add(b, 1, "one");
	assert_int_equal(journal_sync(b->journal), SN_EIO);
	/* A full disk that shows when it is synced is no better. */
	sync_fails = ENOSPC;
	add(b, 1, "one");
	assert_int_equal(journal_sync(b->journal), SN_EIO);
}

static void an_entry_of_nothing_is_none(void **state)
{
	struct bed *b = *state;

	assert_int_equal(journal_sync(b->journal), SN_OK);
	assert_int_equal(length(b), HEAD);
	assert_int_equal(journal_used(b->journal), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_synced_comes_back_in_order),
		TEST(the_first_error_of_the_reader_is_the_replays),
		TEST(an_entry_that_is_not_whole_ends_it_wherever_it_was_cut),
		TEST(
		    an_entry_that_is_damaged_is_told_from_one_that_was_cut_off),
		TEST(what_an_earlier_round_has_left_is_not_taken_for_this_ones),
		TEST(a_journal_of_another_database_is_refused),
		TEST(one_that_is_made_takes_the_place_of_another),
		TEST(where_there_is_none_none_is_found),
		TEST(what_does_not_fit_is_refused_and_the_rest_is_kept),
		TEST(where_no_entry_fits_any_more_none_is_taken),
		TEST(a_full_disk_takes_no_entry_and_the_next_one_can_follow),
		TEST(a_disk_that_fails_is_told_apart_from_a_full_one),
		TEST(an_entry_of_nothing_is_none),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
