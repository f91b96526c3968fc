#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/secret.h"
#include "server/base/sandbox.h"
#include "server/base/sandbox_impl.h"

#define FINE 7 /* What a child that was let do it exits with. */

typedef enum sn_err (*enter_fn)(struct sn_why *why);

static int opens(void)
{
	return (open("/etc/passwd", O_RDONLY));
}

static int looks(void)
{
	struct stat st;

	return (stat("/etc/passwd", &st));
}

static int makes(void)
{
	return (mkdir("/tmp/sandbox-made-this", 0700));
}

static int execs(void)
{
	char *const argv[] = { (char[]){ "true" }, NULL };

	return (execv("/bin/true", argv));
}

static int asks_more(void)
{
	return ((int)getppid());
}

static int sockets(void)
{
	return (socket(AF_INET, SOCK_STREAM, 0));
}

static int connects(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET };

	return (connect(0, (struct sockaddr *)&at, sizeof(at)));
}

static int listens(void)
{
	return (listen(0, 1));
}

static int accepts(void)
{
	return (accept4(0, NULL, NULL, 0));
}

static int lowers_its_priority(void)
{
	return (setpriority(PRIO_PROCESS, 0, 10));
}

static int makes_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return (p == MAP_FAILED ? -1 : 0);
}

static int kills(void)
{
	return (kill(getpid(), 0));
}

/* A process that would go on when this one is restarted. */
static int forks(void)
{
	return (fork());
}

static int signals_another(void)
{
	return (tgkill(1, 1, 0));
}

/* A descriptor sends signals to whom it belongs. */
static int owns(void)
{
	return (fcntl(STDIN_FILENO, F_SETOWN, 1));
}

static int chooses_a_signal(void)
{
	return (fcntl(STDIN_FILENO, F_SETSIG, SIGKILL));
}

/* A day's work: memory, time, random bytes, a log line, an open file. */
static int works(void)
{
	char *p = calloc(1, 4U << 20);
	uint64_t random;
	struct stat st;

	if (p == NULL)
		return (-1);
	free(p);
	sn_secret_random(&random, sizeof(random));
	sn_log(SN_DEBUG, "working", "now=%llu",
	    (unsigned long long)sn_clock_wall_ms());
	if (fstat(STDIN_FILENO, &st) != 0 || fcntl(STDIN_FILENO, F_GETFL) < 0 ||
	    raise(0) != 0)
		return (-1);
	return (write(STDOUT_FILENO, "", 0) == 0 ? 0 : -1);
}

static int outcome(int (*act)(void))
{
	return (act() >= 0 ? FINE : errno == EACCES ? FINE + 1 : FINE + 2);
}

static int opened(void)
{
	_exit(outcome(opens));
}

/* Enter and act in a process of its own; its wait status. */
static int in_sandbox(enter_fn enter, int (*act)(void))
{
	pid_t pid = fork();
	struct sn_why why;
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		if (enter(&why) != SN_OK)
			_exit(1);
		(void)act();
		_exit(FINE);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return (status);
}

static void assert_killed(int status)
{
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

static void assert_fine(int status)
{
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), FINE);
}

static void without_sanitizers(void)
{
	if (SANDBOX_SANITIZED)
		skip();
}

static void both_go_on_with_their_work(void **state)
{
	(void)state;
	without_sanitizers();
	assert_fine(in_sandbox(sandbox_enter_net, works));
	assert_fine(in_sandbox(sandbox_enter_keeper, works));
}

static void neither_looks_runs_or_reaches_anywhere(void **state)
{
	int (*const acts[])(void) = { looks, makes, execs, asks_more, sockets,
		connects, listens, makes_code, kills, forks, signals_another,
		owns, chooses_a_signal };

	(void)state;
	without_sanitizers();
	for (size_t i = 0; i < sizeof(acts) / sizeof(*acts); i++) {
		assert_killed(in_sandbox(sandbox_enter_net, acts[i]));
		assert_killed(in_sandbox(sandbox_enter_keeper, acts[i]));
	}
}

static void neither_opens_a_file(void **state)
{
	(void)state;
	without_sanitizers();
	assert_int_equal(
	    WEXITSTATUS(in_sandbox(sandbox_enter_net, opened)), FINE + 1);
	assert_int_equal(
	    WEXITSTATUS(in_sandbox(sandbox_enter_keeper, opened)), FINE + 1);
}

/* What makes the C library look at /proc while it frees. */
static void *frees_much(void *arg)
{
	enum { COUNT = 200 };
	void *kept[COUNT];

	for (int i = 0; i < COUNT; i++)
		kept[i] = malloc(100000);
	for (int i = COUNT; i > 0; i--)
		free(kept[i - 1]);
	_exit(FINE);
	return (arg);
}

static int gives_memory_back(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, frees_much, NULL) == 0)
		(void)pthread_join(thread, NULL);
	return (-1);
}

static void memory_of_threads_is_given_back(void **state)
{
	(void)state;
	without_sanitizers();
	assert_fine(in_sandbox(sandbox_enter_net, gives_memory_back));
	assert_fine(in_sandbox(sandbox_enter_keeper, gives_memory_back));
}

static enum sn_err enter_as_the_keeper_does(struct sn_why *why)
{
	enum sn_err err = sandbox_files(NULL, why);

	return (err == SN_OK ? sandbox_enter_keeper(why) : err);
}

static void *exits(void *arg)
{
	pthread_exit(arg);
}

static int starts_threads_that_exit(void)
{
	pthread_t thread;

	for (int i = 0; i < 3; i++) {
		if (pthread_create(&thread, NULL, exits, NULL) == 0)
			(void)pthread_join(thread, NULL);
	}
	return (0);
}

static void threads_of_argon2_come_and_go(void **state)
{
	(void)state;
	without_sanitizers();
	assert_fine(
	    in_sandbox(enter_as_the_keeper_does, starts_threads_that_exit));
}

static void the_keeper_alone_lowers_its_priority(void **state)
{
	(void)state;
	without_sanitizers();
	assert_fine(in_sandbox(sandbox_enter_keeper, lowers_its_priority));
	assert_killed(in_sandbox(sandbox_enter_net, lowers_its_priority));
}

static void net_alone_accepts(void **state)
{
	(void)state;
	without_sanitizers();
	assert_fine(in_sandbox(sandbox_enter_net, accepts));
	assert_killed(in_sandbox(sandbox_enter_keeper, accepts));
}

/* What waits in the thread until the process is in the sandbox. */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void *opens_later(void *arg)
{
	(void)pthread_mutex_lock(&gate);
	_exit(outcome(opens));
	return (arg);
}

static enum sn_err enter_with_a_thread_running(struct sn_why *why)
{
	pthread_t thread;
	enum sn_err err;

	(void)pthread_mutex_lock(&gate);
	if (pthread_create(&thread, NULL, opens_later, NULL) != 0)
		return (SN_ENOMEM);
	err = sandbox_enter_net(why);
	(void)pthread_mutex_unlock(&gate);
	(void)pthread_join(thread, NULL);
	return (err);
}

static void threads_that_run_already_are_included(void **state)
{
	(void)state;
	without_sanitizers();
	assert_int_equal(
	    WEXITSTATUS(in_sandbox(enter_with_a_thread_running, works)),
	    FINE + 1);
}

static enum sn_err no_files(struct sn_why *why)
{
	return (sandbox_files(NULL, why));
}

static bool has_landlock(void)
{
	int status = in_sandbox(no_files, opened);

	return (!SANDBOX_SANITIZED && WEXITSTATUS(status) != FINE);
}

static void no_file_opens_once_files_are_given_up(void **state)
{
	(void)state;
	if (!has_landlock())
		skip();
	assert_int_equal(WEXITSTATUS(in_sandbox(no_files, opened)), FINE + 1);
}

static char folder[64];

static enum sn_err files_of_folder(struct sn_why *why)
{
	return (sandbox_files(folder, why));
}

static int opens_inside(void)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/file", folder);
	return (open(path, O_RDWR | O_CREAT, 0600));
}

static int opened_inside(void)
{
	_exit(outcome(opens_inside));
}

static void *opens_in_a_thread(void *arg)
{
	_exit(outcome(opens));
	return (arg);
}

static int opened_in_a_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, opens_in_a_thread, NULL) == 0)
		(void)pthread_join(thread, NULL);
	return (-1);
}

static void files_of_one_folder_alone_open(void **state)
{
	char path[128];

	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/sandbox-test-XXXXXX");
	assert_non_null(mkdtemp(folder));
	if (has_landlock()) {
		assert_int_equal(
		    WEXITSTATUS(in_sandbox(files_of_folder, opened_inside)),
		    FINE);
		assert_int_equal(
		    WEXITSTATUS(in_sandbox(files_of_folder, opened)), FINE + 1);
		assert_int_equal(WEXITSTATUS(in_sandbox(
				     files_of_folder, opened_in_a_thread)),
		    FINE + 1);
	}
	(void)snprintf(path, sizeof(path), "%s/file", folder);
	(void)unlink(path);
	(void)rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_go_on_with_their_work),
		cmocka_unit_test(neither_looks_runs_or_reaches_anywhere),
		cmocka_unit_test(neither_opens_a_file),
		cmocka_unit_test(memory_of_threads_is_given_back),
		cmocka_unit_test(threads_of_argon2_come_and_go),
		cmocka_unit_test(the_keeper_alone_lowers_its_priority),
		cmocka_unit_test(net_alone_accepts),
		cmocka_unit_test(threads_that_run_already_are_included),
		cmocka_unit_test(no_file_opens_once_files_are_given_up),
		cmocka_unit_test(files_of_one_folder_alone_open),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
