#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/clock.h"
#include "lib/ctl.h"

/* A listening socket; who connects waits in its backlog, unanswered. */
struct silent {
	char folder[64], path[80];
	int fd;
};

static int set_up(void **state)
{
	struct silent *s = calloc(1, sizeof(*s));
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	(void)snprintf(s->folder, sizeof(s->folder), "/tmp/ctl-test-XXXXXX");
	if (mkdtemp(s->folder) == NULL)
		return (-1);
	(void)snprintf(s->path, sizeof(s->path), "%s/control", s->folder);
	memcpy(at.sun_path, s->path, strlen(s->path));
	s->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(s->fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    listen(s->fd, 1) != 0)
		return (-1);
	*state = s;
	return (0);
}

static int tear_down(void **state)
{
	struct silent *s = *state;

	(void)close(s->fd);
	(void)unlink(s->path);
	(void)rmdir(s->folder);
	free(s);
	return (0);
}

static enum sn_err ask_answered_by(
    struct silent *s, const char *answer, json_t **reply, struct sn_why *why)
{
	json_t *request = json_pack("{s:s}", "cmd", "status");
	struct sn_ctl *ctl;
	enum sn_err err;
	int fd;

	assert_int_equal(sn_ctl_open(s->path, 50, &ctl, why), SN_OK);
	fd = accept(s->fd, NULL, NULL);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, answer, strlen(answer)), strlen(answer));
	err = sn_ctl_ask(ctl, request, reply, why);
	(void)close(fd);
	sn_ctl_close(ctl);
	json_decref(request);
	return (err);
}

static void an_answer_is_the_object_of_one_line(void **state)
{
	struct sn_why why;
	json_t *reply;

	assert_int_equal(
	    ask_answered_by(*state,
		"{\"ok\":true,\"n\":\"x\"}\n{\"second\":1}\n", &reply, &why),
	    SN_OK);
	assert_true(sn_ctl_ok(reply));
	assert_string_equal(sn_ctl_text(reply, "n"), "x");
	assert_string_equal(sn_ctl_text(reply, "ok"), "");
	assert_string_equal(sn_ctl_text(reply, "second"), "");
	json_decref(reply);
}

static void a_server_that_is_silent_is_given_up(void **state)
{
	uint64_t before = sn_clock_mono();
	struct sn_why why;
	json_t *reply;

	assert_int_equal(
	    ask_answered_by(*state, "", &reply, &why), SN_ETIMEOUT);
	assert_int_equal(ask_answered_by(*state, "{\"ok\":true}", &reply, &why),
	    SN_ETIMEOUT);
	assert_true(sn_clock_mono() - before < 5 * SN_NS_PER_S);
}

static void what_is_no_object_is_refused(void **state)
{
	struct sn_why why;
	json_t *reply;

	assert_int_equal(
	    ask_answered_by(*state, "[true]\n", &reply, &why), SN_EPROTO);
	assert_int_equal(
	    ask_answered_by(*state, "hello\n", &reply, &why), SN_EPROTO);
}

static void where_nobody_listens_is_told(void **state)
{
	struct silent *s = *state;
	struct sn_ctl *ctl;
	struct sn_why why;
	char path[200];

	assert_int_equal(
	    sn_ctl_open("/nowhere/control", 50, &ctl, &why), SN_ECLOSED);
	assert_non_null(strstr(why.text, "/nowhere/control"));
	(void)close(s->fd);
	assert_int_equal(sn_ctl_open(s->path, 50, &ctl, &why), SN_ECLOSED);
	memset(path, 'p', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(sn_ctl_open(path, 50, &ctl, &why), SN_EINVAL);
	assert_int_equal(sn_ctl_open("", 50, &ctl, &why), SN_EINVAL);
	s->fd = -1;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_answer_is_the_object_of_one_line),
		TEST(a_server_that_is_silent_is_given_up),
		TEST(what_is_no_object_is_refused),
		TEST(where_nobody_listens_is_told),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
