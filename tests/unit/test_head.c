/* Where the audit trail ended, kept beside the books. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include <cmocka.h>

#include "ca/audit.h"
#include "ca/head.h"
#include "ca/inventory.h"
#include "ca/tree.h"

struct house {
	struct authority *a;
	char dir[64];
	struct sn_why why;
};

static int set_up(void **state)
{
	struct house *h = calloc(1, sizeof(*h));
	char path[128];

	assert_non_null(h);
	(void)snprintf(h->dir, sizeof(h->dir), "/tmp/head-XXXXXX");
	assert_non_null(mkdtemp(h->dir));
	(void)snprintf(path, sizeof(path), "%s/ca", h->dir);
	assert_int_equal(
	    authority_create(path, "House", &h->a, &h->why), SN_OK);
	*state = h;
	return (0);
}

static int tear_down(void **state)
{
	struct house *h = *state;

	authority_close(h->a);
	tree_remove(h->dir);
	free(h);
	return (0);
}

static void add(struct house *h, const char *text)
{
	struct sn_txn *txn;

	assert_int_equal(sn_txn_write(h->a->store, &txn), SN_OK);
	assert_int_equal(audit_add(txn, 1, "test", "%s", text), SN_OK);
	assert_int_equal(sn_txn_commit(txn), SN_OK);
}

/* The last entry goes, as in a database that fell back. */
static void fall_back(struct house *h)
{
	struct sn_cursor *c;
	struct sn_bytes key, value;
	struct sn_txn *txn;

	assert_int_equal(sn_txn_write(h->a->store, &txn), SN_OK);
	assert_int_equal(sn_cursor_open(txn, TABLE_AUDIT, &c), SN_OK);
	assert_int_equal(sn_cursor_last(c, &key, &value), SN_OK);
	assert_int_equal(sn_cursor_delete(c), SN_OK);
	sn_cursor_close(c);
	assert_int_equal(sn_txn_commit(txn), SN_OK);
}

static void test_a_trail_that_grows_holds_what_was_noted(void **state)
{
	struct house *h = *state;

	assert_int_equal(head_check(h->a, &h->why), SN_OK);
	add(h, "one");
	head_note(h->a);
	assert_int_equal(head_check(h->a, &h->why), SN_OK);
	add(h, "two");
	assert_int_equal(head_check(h->a, &h->why), SN_OK);
	head_note(h->a);
	assert_int_equal(head_check(h->a, &h->why), SN_OK);
}

static void test_a_trail_that_fell_back_does_not(void **state)
{
	struct house *h = *state;

	add(h, "one");
	add(h, "two");
	head_note(h->a);
	fall_back(h);
	assert_int_equal(head_check(h->a, &h->why), SN_ECORRUPT);
	assert_non_null(strstr(h->why.text, "is gone"));
	/* It is not forgotten by whoever writes next. */
	head_note(h->a);
	assert_int_equal(head_check(h->a, &h->why), SN_ECORRUPT);
}

static void test_another_trail_of_the_same_length_does_not(void **state)
{
	struct house *h = *state;

	add(h, "one");
	add(h, "two");
	head_note(h->a);
	fall_back(h);
	add(h, "another");
	assert_int_equal(head_check(h->a, &h->why), SN_ECORRUPT);
	assert_non_null(strstr(h->why.text, "is another"));
}

static void test_where_nothing_was_noted_nothing_is_missing(void **state)
{
	struct house *h = *state;

	add(h, "one");
	head_note(h->a);
	fall_back(h);
	assert_int_equal(head_forget(h->a->dir, &h->why), SN_OK);
	assert_int_equal(head_forget(h->a->dir, &h->why), SN_OK);
	assert_int_equal(head_check(h->a, &h->why), SN_OK);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_a_trail_that_grows_holds_what_was_noted),
		CASE(test_a_trail_that_fell_back_does_not),
		CASE(test_another_trail_of_the_same_length_does_not),
		CASE(test_where_nothing_was_noted_nothing_is_missing),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
