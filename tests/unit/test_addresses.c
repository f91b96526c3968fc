#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

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
	addresses_enter(a, key_of(a, "10.0.0.2"));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_counted_whatever_its_port),
		cmocka_unit_test(a_network_of_64_bits_is_one_address),
		cmocka_unit_test(an_ipv4_address_is_the_same_on_an_ipv6_socket),
		cmocka_unit_test(there_are_no_more_than_in_all),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
