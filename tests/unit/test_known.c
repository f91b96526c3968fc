#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "server/net/known.h"

static struct known known;

static void put(uint64_t account, const char *name, uint64_t value)
{
	known_put(&known, account, sn_bytes_of(name), &value, sizeof(value));
}

static uint64_t get(uint64_t account, const char *name)
{
	const uint64_t *value = known_get(&known, account, sn_bytes_of(name));

	return (value != NULL ? *value : 0);
}

static void what_was_put_is_found_until_it_is_forgotten(void **state)
{
	(void)state;
	assert_int_equal(get(1, "bob"), 0);
	put(1, "bob", 7);
	assert_int_equal(get(1, "bob"), 7);
	assert_int_equal(get(1, "bo"), 0);
	assert_int_equal(get(1, "bobb"), 0);
	assert_int_equal(get(1, ""), 0);
	assert_int_equal(get(2, "bob"), 0);
	put(1, "bob", 8);
	put(2, "bob", 9);
	put(1, "", 10);
	assert_int_equal(get(1, "bob"), 8);
	assert_int_equal(get(2, "bob"), 9);
	assert_int_equal(get(1, ""), 10);
	known_forget(&known);
	assert_int_equal(get(1, "bob"), 0);
	assert_null(known.map.slots);
}

static void as_many_as_it_holds_are_all_found(void **state)
{
	char name[16];

	(void)state;
	for (uint64_t i = 1; i <= KNOWN_MAX; i++) {
		(void)snprintf(name, sizeof(name), "p%u", (unsigned)i);
		put(0, name, i);
	}
	for (uint64_t i = 1; i <= KNOWN_MAX; i++) {
		(void)snprintf(name, sizeof(name), "p%u", (unsigned)i);
		assert_int_equal(get(0, name), i);
	}
	put(0, "one more", 1);
	assert_int_equal(known.map.used, 1);
	assert_int_equal(get(0, "one more"), 1);
	assert_int_equal(get(0, "p1"), 0);
	known_forget(&known);
}

/* The hash sets its lowest bit, which is that of ${of}: these two differ in
 * nothing else. */
static void two_of_one_hash_are_not_taken_for_each_other(void **state)
{
	(void)state;
	put(4, "", 7);
	assert_int_equal(get(5, ""), 0);
	put(5, "", 8);
	assert_int_equal(known.map.used, 1);
	assert_int_equal(get(5, ""), 8);
	assert_int_equal(get(4, ""), 0);
	known_forget(&known);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_put_is_found_until_it_is_forgotten),
		cmocka_unit_test(as_many_as_it_holds_are_all_found),
		cmocka_unit_test(two_of_one_hash_are_not_taken_for_each_other),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
