#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "server/base/map.h"
#include "server/base/sandbox_impl.h"
#include "server/net/addresses.h"

static uint64_t key_of(const struct addresses *a, const char *text)
{
	struct sockaddr_storage from = { 0 };
	union {
		struct sockaddr_storage *any;
		struct sockaddr_in *v4;
		struct sockaddr_in6 *v6;
	} u = { .any = &from };

	if (strchr(text, ':') != NULL) {
		from.ss_family = AF_INET6;
		assert_int_equal(
		    inet_pton(AF_INET6, text, &u.v6->sin6_addr), 1);
	} else {
		from.ss_family = AF_INET;
		assert_int_equal(inet_pton(AF_INET, text, &u.v4->sin_addr), 1);
	}
	return (addresses_key(a, &from));
}

static void an_address_is_counted_whatever_its_port(void **state)
{
	struct addresses *a;

	(void)state;
	assert_int_equal(addresses_new(2, 10, &a), SN_OK);
	assert_int_equal(addresses_admit(a, key_of(a, "10.0.0.1")), SN_OK);
	assert_int_equal(addresses_admit(a, key_of(a, "10.0.0.1")), SN_OK);
	assert_int_equal(addresses_admit(a, key_of(a, "10.0.0.1")), SN_ELIMIT);
	assert_int_equal(addresses_admit(a, key_of(a, "10.0.0.2")), SN_OK);
	addresses_leave(a, key_of(a, "10.0.0.1"));
	assert_int_equal(addresses_admit(a, key_of(a, "10.0.0.1")), SN_OK);
	assert_int_equal(addresses_admit(a, key_of(a, "10.0.0.1")), SN_ELIMIT);
	assert_int_equal(addresses_enter(a, key_of(a, "10.0.0.2")), SN_OK);
	assert_int_equal(addresses_admit(a, key_of(a, "10.0.0.2")), SN_ELIMIT);
	addresses_free(a);
}

static void a_network_of_64_bits_is_one_address(void **state)
{
	struct addresses *a;

	(void)state;
	assert_int_equal(addresses_new(1, 10, &a), SN_OK);
	assert_true(key_of(a, "2001:db8:0:1::1") ==
		    key_of(a, "2001:db8:0:1:ffff:ffff:ffff:ffff"));
	assert_true(
	    key_of(a, "2001:db8:0:1::1") != key_of(a, "2001:db8:0:2::1"));
	addresses_free(a);
}

static void an_ipv4_address_is_the_same_on_an_ipv6_socket(void **state)
{
	struct addresses *a;

	(void)state;
	assert_int_equal(addresses_new(1, 10, &a), SN_OK);
	assert_true(key_of(a, "::ffff:10.0.0.1") == key_of(a, "10.0.0.1"));
	assert_true(key_of(a, "::ffff:10.0.0.1") != key_of(a, "10.0.0.2"));
	assert_true(
	    key_of(a, "::ffff:10.0.0.1") != key_of(a, "::ffff:10.0.0.2"));
	addresses_free(a);
}

static void there_are_no_more_than_in_all(void **state)
{
	struct addresses *a;

	(void)state;
	assert_int_equal(addresses_new(10, 2, &a), SN_OK);
	assert_int_equal(addresses_admit(a, 1), SN_OK);
	assert_int_equal(addresses_admit(a, 2), SN_OK);
	assert_int_equal(addresses_admit(a, 3), SN_EFULL);
	addresses_leave(a, 2); /* It has logged in. */
	assert_int_equal(addresses_admit(a, 3), SN_EFULL);
	addresses_gone(a);
	assert_int_equal(addresses_admit(a, 3), SN_OK);
	addresses_free(a);
}

/* As many as fit before the table has to grow by more than a heap has. */
#define FULL 12288

static void without_memory_only_those_that_are_new_are_not_counted(void **state)
{
	struct rlimit before, none;
	struct addresses *a;
	enum sn_err fresh, known;

	(void)state;
	/* Their allocators end the program instead. */
	if (SANDBOX_SANITIZED)
		return;
	assert_int_equal(addresses_new(2, 2 * FULL, &a), SN_OK);
	for (uint64_t i = 1; i <= FULL; i++)
		assert_int_equal(addresses_enter(a, i), SN_OK);
	assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
	none = before;
	none.rlim_cur = 1;
	assert_int_equal(setrlimit(RLIMIT_AS, &none), 0);
	fresh = addresses_enter(a, FULL + 1);
	known = addresses_enter(a, FULL);
	addresses_leave(a, 1);
	addresses_leave(a, FULL);
	assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
	assert_int_equal(fresh, SN_ENOMEM);
	assert_int_equal(known, SN_OK);
	assert_int_equal(addresses_admit(a, FULL), SN_OK);
	assert_int_equal(addresses_admit(a, FULL), SN_ELIMIT);
	addresses_free(a);
}

static void a_value_is_exchanged_without_memory(void **state)
{
	struct map m = { 0 };
	size_t size;
	int one, two;

	(void)state;
	for (uint64_t i = 1; i <= 12; i++)
		assert_int_equal(map_put(&m, i, &one), SN_OK);
	size = m.size;
	assert_int_equal(map_put(&m, 12, &two), SN_OK);
	assert_ptr_equal(map_get(&m, 12), &two);
	assert_int_equal(m.size, size);
	assert_int_equal(map_put(&m, 13, &one), SN_OK);
	assert_true(m.size > size);
	map_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_counted_whatever_its_port),
		cmocka_unit_test(a_network_of_64_bits_is_one_address),
		cmocka_unit_test(an_ipv4_address_is_the_same_on_an_ipv6_socket),
		cmocka_unit_test(there_are_no_more_than_in_all),
		cmocka_unit_test(
		    without_memory_only_those_that_are_new_are_not_counted),
		cmocka_unit_test(a_value_is_exchanged_without_memory),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
