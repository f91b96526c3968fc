#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/meter.h"

#define MEBI (1024 * 1024)

static struct sn_why why;

static struct meter of_me(void)
{
	return ((struct meter){ .roots = { getpid() }, .count = 1 });
}

static void nobody_uses_nothing(void **state)
{
	struct meter m = { .count = 0 };
	struct meter_reading r;

	(void)state;
	assert_int_equal(meter_read(&m, &r, &why), SN_OK);
	assert_int_equal(r.processes, 0);
	assert_int_equal(r.cpu_ns, 0);
	assert_int_equal(r.rss_anon, 0);
}

static void cpu_and_memory_that_are_used_are_read(void **state)
{
	struct meter_reading before, after;
	struct meter m = of_me();
	clock_t begin = clock();
	volatile char *p;

	(void)state;
	assert_int_equal(meter_read(&m, &before, &why), SN_OK);
	assert_int_equal(before.processes, 1);
	p = malloc(16 * MEBI);
	for (size_t i = 0; i < 16 * MEBI; i += 1024)
		p[i] = 1;
	while (clock() - begin < CLOCKS_PER_SEC / 10)
		continue;
	assert_int_equal(meter_read(&m, &after, &why), SN_OK);
	assert_true(after.rss_anon >= before.rss_anon + 15 * MEBI);
	/* Ticks are of 10 ms. */
	assert_in_range(after.cpu_ns - before.cpu_ns, 70000000, 2000000000);
	free((void *)p);
}

static void children_are_counted_while_they_are_there(void **state)
{
	struct meter m = of_me();
	struct meter_reading r;
	int status;
	pid_t child;

	(void)state;
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		(void)pause();
		_exit(0);
	}
	assert_int_equal(meter_read(&m, &r, &why), SN_OK);
	assert_int_equal(r.processes, 2);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(meter_read(&m, &r, &why), SN_OK);
	assert_int_equal(r.processes, 1);
	m.roots[0] = child;
	assert_int_equal(meter_read(&m, &r, &why), SN_ENOTFOUND);
	assert_non_null(strstr(why.text, "not there"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_uses_nothing),
		cmocka_unit_test(cpu_and_memory_that_are_used_are_read),
		cmocka_unit_test(children_are_counted_while_they_are_there),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
