/* The authority's CAs in the books: which there are, and which one signs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ca/book.h"
#include "ca/elect.h"
#include "ca/inventory.h"
#include "ca/verify.h"
#include "tests/unit/ca_house.h"

#define NOW 1000

static void put_record(
    struct house *h, uint32_t id, enum record_state state, int64_t end)
{
	struct record rec = {
		.serial = { 1, (uint8_t)id },
		.state = state,
		.kind = KIND_ISSUER,
		.not_after = end,
		.der = { "", 0 },
	};

	assert_int_equal(book_put(h->txn, &rec), SN_OK);
}

static void put(struct house *h, uint32_t id, bool active)
{
	struct issuer i = { .id = id, .serial = { 1, (uint8_t)id } };

	i.active = active;
	assert_int_equal(issuer_put(h->txn, &i), SN_OK);
	put_record(h, id, STATE_VALID, 2 * NOW);
}

static bool is_active(struct house *h, uint32_t id)
{
	struct issuer i;

	assert_int_equal(issuer_get(h->txn, id, &i), SN_OK);
	return (i.active);
}

/* ${arg} is the set of ids whose key is here. */
static bool in_set(const void *arg, uint32_t id)
{
	return ((*(const unsigned *)arg >> id & 1U) != 0);
}

static uint32_t elected(struct house *h, unsigned keys)
{
	uint32_t id = 99;

	assert_int_equal(elect(h->txn, in_set, &keys, NOW, &id), SN_OK);
	return (id);
}

static void test_ids_with_gaps_are_walked_to_the_last(void **state)
{
	struct house *h = *state;
	struct issuer i;

	put(h, 0, false);
	put(h, 1, true);
	put(h, 4, false);
	assert_int_equal(issuer_from(h->txn, 1, &i), SN_OK);
	assert_int_equal(i.id, 1);
	assert_int_equal(issuer_from(h->txn, 2, &i), SN_OK);
	assert_int_equal(i.id, 4);
	assert_int_equal(issuer_from(h->txn, 5, &i), SN_ENOTFOUND);
}

static void test_no_id_comes_twice(void **state)
{
	struct house *h = *state;
	uint32_t id;

	assert_int_equal(issuer_next(h->txn, &id), SN_OK);
	assert_int_equal(id, 1);
	put(h, 0, false);
	put(h, 1, true);
	put(h, 4, false);
	assert_int_equal(issuer_next(h->txn, &id), SN_OK);
	assert_int_equal(id, 5);
	assert_int_equal(issuer_skip(h->txn), SN_OK);
	assert_int_equal(issuer_next(h->txn, &id), SN_OK);
	assert_int_equal(id, 5 + ISSUER_ALIVE_MAX);
	/* One that is above that is passed as well. */
	put(h, 99, false);
	assert_int_equal(issuer_next(h->txn, &id), SN_OK);
	assert_int_equal(id, 100);
}

static void test_of_several_active_the_newest_that_can_sign_is_left(
    void **state)
{
	struct house *h = *state;

	put(h, 0, false);
	put(h, 1, true);
	put(h, 2, true);
	put(h, 3, false);
	assert_int_equal(elected(h, 1U << 1 | 1U << 2 | 1U << 3), 2);
	assert_true(is_active(h, 2));
	assert_false(is_active(h, 1) || is_active(h, 3) || is_active(h, 0));
}

static void test_one_without_its_key_is_not_left_active(void **state)
{
	struct house *h = *state;

	put(h, 1, true);
	put(h, 2, true);
	assert_int_equal(elected(h, 1U << 1), 1);
	assert_false(is_active(h, 2));
	/* Nor one that is the only active. */
	put(h, 1, false);
	put(h, 2, true);
	assert_int_equal(elected(h, 1U << 1), 1);
	/* Where no key is here, one is active all the same. */
	put(h, 1, false);
	put(h, 2, true);
	assert_int_equal(elected(h, 0), 2);
	put(h, 2, false);
	assert_int_equal(elected(h, 0), 2);
}

static void test_one_that_is_revoked_or_over_is_not_left_active(void **state)
{
	struct house *h = *state;

	put(h, 1, true);
	put(h, 2, true);
	put_record(h, 2, STATE_REVOKED, 2 * NOW);
	assert_int_equal(elected(h, 1U << 1 | 1U << 2), 1);
	put(h, 2, true);
	put_record(h, 2, STATE_VALID, NOW);
	assert_int_equal(elected(h, 1U << 1 | 1U << 2), 1);
}

static void test_where_there_is_no_issuing_ca_none_is_elected(void **state)
{
	struct house *h = *state;

	put(h, 0, false);
	assert_int_equal(elected(h, ~0U), 0);
}

static void look_for(void *arg, const char *sentence)
{
	unsigned *count = arg;

	*count += strstr(sentence, "active instead of one") != NULL;
}

/* How often verify speaks of the active ones, which are so many. */
static unsigned complaints(struct house *h, unsigned active)
{
	unsigned count = 0;
	uint64_t rows;

	put(h, 0, false);
	for (uint32_t id = 1; id <= 3; id++)
		put(h, id, id <= active);
	assert_int_equal(sn_txn_commit(h->txn), SN_OK);
	verify_books(h->store, look_for, &count, &rows);
	assert_int_equal(sn_txn_write(h->store, &h->txn), SN_OK);
	return (count);
}

static void test_two_active_or_none_are_reported(void **state)
{
	struct house *h = *state;

	assert_int_equal(complaints(h, 0), 1);
	assert_int_equal(complaints(h, 1), 0);
	assert_int_equal(complaints(h, 2), 1);
	assert_int_equal(complaints(h, 3), 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, house_begin, house_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_ids_with_gaps_are_walked_to_the_last),
		CASE(test_no_id_comes_twice),
		CASE(test_of_several_active_the_newest_that_can_sign_is_left),
		CASE(test_one_without_its_key_is_not_left_active),
		CASE(test_one_that_is_revoked_or_over_is_not_left_active),
		CASE(test_where_there_is_no_issuing_ca_none_is_elected),
		CASE(test_two_active_or_none_are_reported),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
