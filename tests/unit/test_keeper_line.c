#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/keeper/keeper_line.h"

static struct keeper_line line;

static int empty(void **state)
{
	(void)state;
	memset(&line, 0, sizeof(line));
	return (0);
}

/* ${p} of the account and its device, at that time, due ten later. */
static bool come(
    struct keeper_place *p, uint64_t account, uint8_t device, uint64_t at)
{
	*p = (struct keeper_place){ .account = account,
		.fp = { device },
		.arrived = at,
		.due = at + 10 };
	return (keeper_line_enter(&line, p));
}

static struct keeper_place *run_next(void)
{
	struct keeper_place *p = keeper_line_next(&line);

	assert_non_null(p);
	keeper_line_run(&line, p);
	return (p);
}

static void who_has_many_in_line_waits_for_its_own(void **state)
{
	struct keeper_place many[4], one, two;

	(void)state;
	for (uint8_t i = 0; i < 4; i++)
		assert_true(come(&many[i], 1, i, i));
	assert_true(come(&one, 2, 1, 4));
	assert_true(come(&two, 3, 1, 5));
	assert_ptr_equal(run_next(), &many[0]);
	assert_ptr_equal(run_next(), &one);
	assert_ptr_equal(run_next(), &two);
	for (uint8_t i = 1; i < 4; i++)
		assert_ptr_equal(run_next(), &many[i]);
	assert_null(keeper_line_next(&line));
	assert_int_equal(line.running, 6);
	assert_int_equal(line.queued, 0);
}

static void of_a_device_one_runs_at_a_time(void **state)
{
	struct keeper_place first, second, other;

	(void)state;
	assert_true(come(&first, 1, 1, 0));
	assert_true(come(&second, 1, 1, 1));
	assert_true(come(&other, 1, 2, 2));
	assert_ptr_equal(run_next(), &first);
	assert_ptr_equal(run_next(), &other);
	assert_null(keeper_line_next(&line));
	keeper_line_leave(&line, &first);
	assert_ptr_equal(run_next(), &second);
}

static void a_device_has_so_many_places_and_another_has_its_own(void **state)
{
	struct keeper_place places[KEEPER_LINE_OF_A_DEVICE], p;

	(void)state;
	for (unsigned i = 0; i < KEEPER_LINE_OF_A_DEVICE; i++)
		assert_true(come(&places[i], 1, 1, i));
	assert_false(come(&p, 1, 1, 99));
	/* One that was refused has its place until it is answered. */
	keeper_line_refuse(&line, &places[3]);
	assert_false(come(&p, 1, 1, 99));
	keeper_line_leave(&line, &places[3]);
	assert_true(come(&p, 1, 1, 99));
	assert_true(come(&places[3], 1, 2, 99));
	assert_int_equal(line.count, KEEPER_LINE_OF_A_DEVICE + 1);
}

static void the_last_in_line_is_of_whoever_has_the_most(void **state)
{
	struct keeper_place flood[3], one;

	(void)state;
	assert_null(keeper_line_last(&line));
	for (uint8_t i = 0; i < 3; i++)
		assert_true(come(&flood[i], 1, i, i));
	assert_true(come(&one, 2, 1, 3));
	assert_ptr_equal(keeper_line_last(&line), &flood[2]);
	keeper_line_leave(&line, &flood[2]);
	assert_ptr_equal(keeper_line_last(&line), &flood[1]);
	keeper_line_leave(&line, &flood[1]);
	/* Of equals the latest. */
	assert_ptr_equal(keeper_line_last(&line), &one);
}

static void who_was_refused_unseen_waits_with_those_before_it(void **state)
{
	struct keeper_place before, refused, seen, behind;

	(void)state;
	assert_true(come(&before, 1, 1, 0));
	assert_true(come(&refused, 2, 1, 1));
	refused.unseen = true;
	keeper_line_refuse(&line, &refused);
	assert_true(come(&seen, 3, 1, 2));
	keeper_line_refuse(&line, &seen);
	assert_true(come(&behind, 4, 1, 3));
	assert_true(keeper_line_would_wait(&line, &refused));
	assert_false(keeper_line_would_wait(&line, &seen));
	assert_ptr_equal(run_next(), &before);
	assert_true(keeper_line_would_wait(&line, &refused));
	keeper_line_leave(&line, &before);
	assert_false(keeper_line_would_wait(&line, &refused));
	assert_ptr_equal(run_next(), &behind);
	assert_false(keeper_line_would_wait(&line, &refused));
}

static void the_first_is_the_one_that_is_due(void **state)
{
	struct keeper_place early, late;

	(void)state;
	assert_true(come(&late, 1, 1, 5));
	assert_true(come(&early, 2, 1, 3));
	assert_ptr_equal(line.first, &early);
	keeper_line_put_off(&line, &early, 1);
	assert_ptr_equal(line.first, &early);
	/* Who is as late goes behind who was there. */
	keeper_line_put_off(&line, &early, 1);
	assert_ptr_equal(line.first, &late);
	keeper_line_leave(&line, &late);
	assert_ptr_equal(line.first, &early);
	assert_int_equal(early.due, 15);
	keeper_line_leave(&line, &early);
	assert_null(line.first);
	assert_int_equal(line.count + line.queued + line.running, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
		    who_has_many_in_line_waits_for_its_own, empty),
		cmocka_unit_test_setup(of_a_device_one_runs_at_a_time, empty),
		cmocka_unit_test_setup(
		    a_device_has_so_many_places_and_another_has_its_own, empty),
		cmocka_unit_test_setup(
		    the_last_in_line_is_of_whoever_has_the_most, empty),
		cmocka_unit_test_setup(
		    who_was_refused_unseen_waits_with_those_before_it, empty),
		cmocka_unit_test_setup(the_first_is_the_one_that_is_due, empty),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
