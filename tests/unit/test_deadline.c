#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/clock.h"
#include "server/net/deadline.h"
#include "server/net/loop.h"
#include "server/net/sess.h"

#define MS SN_NS_PER_MS
#define STEP (DEADLINE_STEP_MS * MS)
#define COUNT 4

static struct loop *loop;
static struct sess s[COUNT];
static unsigned lates[COUNT];
static uint64_t again; /* The deadline that a late one gets; 0: none. */

static int set_up(void **state)
{
	(void)state;
	memset(s, 0, sizeof(s));
	memset(lates, 0, sizeof(lates));
	again = 0;
	if ((loop = calloc(1, sizeof(*loop))) == NULL)
		return (-1);
	for (unsigned i = 0; i < COUNT; i++) {
		s[i].loop = loop;
		s[i].state = SESS_AUTH;
	}
	return (0);
}

static int tear_down(void **state)
{
	(void)state;
	free(loop);
	return (0);
}

static void late(struct sess *one)
{
	lates[one - s]++;
	if (again != 0)
		deadline_set(one, again);
	else
		deadline_clear(one);
}

static void look(uint64_t now)
{
	deadline_look(loop, now, late);
}

static void each_is_late_once_and_none_before_its_time(void **state)
{
	(void)state;
	for (unsigned i = 0; i < COUNT; i++)
		deadline_set(&s[i], (1000 + 200 * i) * MS);
	look(1000 * MS - 1);
	assert_int_equal(lates[0], 0);
	look(1000 * MS);
	assert_int_equal(lates[0], 1);
	assert_int_equal(lates[1], 0);
	look(1500 * MS);
	assert_int_equal(lates[0], 1);
	assert_int_equal(lates[1], 1);
	assert_int_equal(lates[2], 1);
	assert_int_equal(lates[3], 0);
	deadline_clear(&s[3]);
	deadline_clear(&s[3]);
	look(9000 * MS);
	assert_int_equal(lates[3], 0);
	assert_int_equal(deadline_timeout(loop, 9000 * MS, 1000), 1000);
}

static void a_loop_sleeps_until_the_nearest(void **state)
{
	(void)state;
	assert_int_equal(deadline_timeout(loop, 0, 1000), 1000);
	deadline_set(&s[0], 1900 * MS);
	deadline_set(&s[1], 1300 * MS);
	assert_int_equal(deadline_timeout(loop, 200 * MS, 1000), 1000);
	assert_int_equal(deadline_timeout(loop, 1200 * MS, 1000), 101);
	assert_int_equal(deadline_timeout(loop, 1200 * MS, 20), 20);
	assert_int_equal(deadline_timeout(loop, 1300 * MS, 1000), 0);
	look(1300 * MS);
	assert_int_equal(lates[1], 1);
	/* And then until the one behind it. */
	assert_int_equal(deadline_timeout(loop, 1300 * MS, 1000), 601);
}

static void many_that_come_close_together_are_walked_in_steps(void **state)
{
	(void)state;
	deadline_set(&s[0], 1000 * MS);
	deadline_set(&s[1], 1001 * MS);
	look(1000 * MS);
	assert_int_equal(lates[0], 1);
	assert_int_equal(
	    deadline_timeout(loop, 1000 * MS, 1000), DEADLINE_STEP_MS + 1);
	look(1000 * MS + STEP - 1);
	assert_int_equal(lates[1], 0);
	look(1000 * MS + STEP);
	assert_int_equal(lates[1], 1);
}

static void who_waits_for_us_is_not_late_until_the_time_is_given_back(
    void **state)
{
	(void)state;
	s[0].login = SESS_LOGIN_PASSWORD;
	s[1].state = SESS_WAITING;
	s[1].door.where = DOOR_LINE;
	for (unsigned i = 0; i < 3; i++)
		deadline_set(&s[i], 1000 * MS);
	look(1000 * MS);
	assert_int_equal(lates[0] + lates[1], 0);
	assert_int_equal(lates[2], 1);
	/* Nor does it keep the loop awake. */
	assert_int_equal(deadline_timeout(loop, 1000 * MS, 1000), 1000);
	s[0].login = SESS_LOGIN_NONE;
	deadline_add(&s[0], 500 * MS);
	assert_int_equal(deadline_timeout(loop, 1400 * MS, 1000), 101);
	look(1499 * MS);
	assert_int_equal(lates[0], 0);
	look(1500 * MS);
	assert_int_equal(lates[0], 1);
	assert_int_equal(lates[1], 0);
}

static void one_that_gets_another_deadline_is_late_again(void **state)
{
	(void)state;
	again = 1200 * MS;
	deadline_set(&s[0], 1000 * MS);
	look(1000 * MS);
	assert_int_equal(lates[0], 1);
	assert_int_equal(deadline_timeout(loop, 1000 * MS, 1000), 201);
	again = 0;
	look(1200 * MS);
	assert_int_equal(lates[0], 2);
	look(1300 * MS);
	assert_int_equal(lates[0], 2);
	/* One without any has none to be added to. */
	deadline_add(&s[0], MS);
	look(9000 * MS);
	assert_int_equal(lates[0], 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_is_late_once_and_none_before_its_time),
		TEST(a_loop_sleeps_until_the_nearest),
		TEST(many_that_come_close_together_are_walked_in_steps),
		TEST(who_waits_for_us_is_not_late_until_the_time_is_given_back),
		TEST(one_that_gets_another_deadline_is_late_again),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
