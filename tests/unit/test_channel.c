#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/base/channel.h"

static int ends[2];

static int set_up(void **state)
{
	(void)state;
	return (channel_pair(ends) == SN_OK ? 0 : -1);
}

static int tear_down(void **state)
{
	(void)state;
	(void)close(ends[0]);
	(void)close(ends[1]);
	return (0);
}

static int open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	(void)closedir(dir);
	return (n);
}

static void packets_keep_their_borders(void **state)
{
	char got[64];
	unsigned count;
	size_t n;

	(void)state;
	assert_int_equal(
	    channel_send(ends[0], sn_bytes_of("one"), NULL, 0), SN_OK);
	assert_int_equal(
	    channel_send(ends[0], sn_bytes_of("second"), NULL, 0), SN_OK);
	assert_int_equal(
	    channel_recv(ends[1], got, sizeof(got), &n, NULL, 0, &count),
	    SN_OK);
	assert_int_equal(n, 3);
	assert_memory_equal(got, "one", 3);
	assert_int_equal(
	    channel_recv(ends[1], got, sizeof(got), &n, NULL, 0, &count),
	    SN_OK);
	assert_int_equal(n, 6);
	assert_int_equal(count, 0);
}

/* Sends ${count} copies of a pipe's end. */
static void send_pipe(const int *pipe_fds, unsigned count)
{
	int fds[CHANNEL_FDS_MAX + 1];

	for (unsigned i = 0; i < count; i++)
		fds[i] = pipe_fds[1];
	assert_int_equal(
	    channel_send(ends[0], sn_bytes_of("fds"), fds, count), SN_OK);
}

static void descriptors_arrive_open_and_close_on_exec(void **state)
{
	int pipe_fds[2], fds[CHANNEL_FDS_MAX];
	char got[8];
	unsigned count;
	size_t n;

	(void)state;
	assert_int_equal(pipe(pipe_fds), 0);
	send_pipe(pipe_fds, CHANNEL_FDS_MAX);
	assert_int_equal(channel_recv(ends[1], got, sizeof(got), &n, fds,
			     CHANNEL_FDS_MAX, &count),
	    SN_OK);
	assert_int_equal(count, CHANNEL_FDS_MAX);
	assert_int_equal(write(fds[CHANNEL_FDS_MAX - 1], "x", 1), 1);
	assert_int_equal(read(pipe_fds[0], got, 1), 1);
	for (unsigned i = 0; i < count; i++) {
		assert_true(fcntl(fds[i], F_GETFD) & FD_CLOEXEC);
		(void)close(fds[i]);
	}
	(void)close(pipe_fds[0]);
	(void)close(pipe_fds[1]);
}

static void more_descriptors_than_wanted_are_refused_and_none_leaks(
    void **state)
{
	int pipe_fds[2], fds[2], before = open_descriptors();
	char got[8];
	unsigned count;
	size_t n;

	(void)state;
	assert_int_equal(pipe(pipe_fds), 0);
	send_pipe(pipe_fds, 3);
	assert_int_equal(
	    channel_recv(ends[1], got, sizeof(got), &n, fds, 2, &count),
	    SN_ETOOBIG);
	assert_int_equal(count, 0);
	send_pipe(pipe_fds, 2);
	assert_int_equal(
	    channel_recv(ends[1], got, sizeof(got), &n, fds, 2, &count), SN_OK);
	assert_int_equal(count, 2);
	(void)close(fds[0]);
	(void)close(fds[1]);
	(void)close(pipe_fds[0]);
	(void)close(pipe_fds[1]);
	assert_int_equal(open_descriptors(), before);
}

static void a_packet_that_does_not_fit_is_refused(void **state)
{
	char got[4];
	unsigned count;
	size_t n;

	(void)state;
	assert_int_equal(
	    channel_send(ends[0], sn_bytes_of("12345"), NULL, 0), SN_OK);
	assert_int_equal(
	    channel_recv(ends[1], got, sizeof(got), &n, NULL, 0, &count),
	    SN_ETOOBIG);
	assert_int_equal(
	    channel_send(ends[0], sn_bytes_of("1234"), NULL, 0), SN_OK);
	assert_int_equal(
	    channel_recv(ends[1], got, sizeof(got), &n, NULL, 0, &count),
	    SN_OK);
	assert_int_equal(n, 4);
}

static void too_many_descriptors_are_not_sent(void **state)
{
	int fds[CHANNEL_FDS_MAX + 1] = { 0 };

	(void)state;
	assert_int_equal(
	    channel_send(ends[0], sn_bytes_of("x"), fds, CHANNEL_FDS_MAX + 1),
	    SN_ETOOBIG);
}

static void the_greatest_message_fits(void **state)
{
	static char out[CHANNEL_MESSAGE_MAX], got[CHANNEL_MESSAGE_MAX];
	unsigned count;
	size_t n;

	(void)state;
	memset(out, 'm', sizeof(out));
	assert_int_equal(channel_send(ends[0],
			     (struct sn_bytes){ out, sizeof(out) }, NULL, 0),
	    SN_OK);
	assert_int_equal(
	    channel_recv(ends[1], got, sizeof(got), &n, NULL, 0, &count),
	    SN_OK);
	assert_int_equal(n, sizeof(out));
}

static void an_end_that_closes_is_told(void **state)
{
	char got[4];
	unsigned count;
	size_t n;

	(void)state;
	(void)close(ends[0]);
	assert_int_equal(
	    channel_recv(ends[1], got, sizeof(got), &n, NULL, 0, &count),
	    SN_ECLOSED);
	/* Without SIGPIPE, too. */
	assert_int_equal(
	    channel_send(ends[1], sn_bytes_of("x"), NULL, 0), SN_ECLOSED);
	ends[0] = -1;
}

static void a_full_or_empty_socket_that_may_not_wait_says_so(void **state)
{
	static const char block[32768];
	char got[4];
	unsigned count;
	size_t n;
	enum sn_err err = SN_OK;

	(void)state;
	assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(
	    channel_recv(ends[0], got, sizeof(got), &n, NULL, 0, &count),
	    SN_EAGAIN);
	for (int i = 0; i < 10000 && err == SN_OK; i++)
		err = channel_send(ends[0],
		    (struct sn_bytes){ block, sizeof(block) }, NULL, 0);
	assert_int_equal(err, SN_EAGAIN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(packets_keep_their_borders),
		TEST(descriptors_arrive_open_and_close_on_exec),
		TEST(more_descriptors_than_wanted_are_refused_and_none_leaks),
		TEST(a_packet_that_does_not_fit_is_refused),
		TEST(too_many_descriptors_are_not_sent),
		TEST(the_greatest_message_fits),
		TEST(an_end_that_closes_is_told),
		TEST(a_full_or_empty_socket_that_may_not_wait_says_so),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
