#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "server/net/names.h"

static struct names names;

static struct sn_bytes of(const char *name)
{
	return (sn_bytes_of(name));
}

static void what_was_put_is_found_until_it_is_forgotten(void **state)
{
	(void)state;
	names_forget(&names);
	assert_int_equal(names_get(&names, of("bob")), 0);
	names_put(&names, of("bob"), 7);
	assert_int_equal(names_get(&names, of("bob")), 7);
	assert_int_equal(names_get(&names, of("bo")), 0);
	assert_int_equal(names_get(&names, of("bobb")), 0);
	assert_int_equal(names_get(&names, of("")), 0);
	names_forget(&names);
	assert_int_equal(names_get(&names, of("bob")), 0);
}

static void a_name_is_never_found_as_another(void **state)
{
	char name[16];
	uint64_t found;

	(void)state;
	names_forget(&names);
	/* More than there are slots: each takes the place of another. */
	for (uint64_t i = 1; i <= 4 * NAMES_SLOTS; i++) {
		(void)snprintf(name, sizeof(name), "p%u", (unsigned)i);
		names_put(&names, of(name), i);
		assert_int_equal(names_get(&names, of(name)), i);
	}
	for (uint64_t i = 1; i <= 4 * NAMES_SLOTS; i++) {
		(void)snprintf(name, sizeof(name), "p%u", (unsigned)i);
		found = names_get(&names, of(name));
		assert_true(found == 0 || found == i);
	}
}

static void the_longest_name_fits_and_a_longer_one_is_not_kept(void **state)
{
	char name[SN_NAME_MAX + 2];

	(void)state;
	names_forget(&names);
	memset(name, 'x', sizeof(name));
	name[SN_NAME_MAX] = '\0';
	names_put(&names, of(name), 1);
	assert_int_equal(names_get(&names, of(name)), 1);
	name[SN_NAME_MAX] = 'x';
	name[SN_NAME_MAX + 1] = '\0';
	names_put(&names, of(name), 2);
	assert_int_equal(names_get(&names, of(name)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_put_is_found_until_it_is_forgotten),
		cmocka_unit_test(a_name_is_never_found_as_another),
		cmocka_unit_test(
		    the_longest_name_fits_and_a_longer_one_is_not_kept),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
