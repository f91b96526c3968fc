/* What the authority's books refuse when commands meet in time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ca/book.h"
#include "ca/inventory.h"
#include "ca/tree.h"

#define DAY 86400

struct house {
	char dir[64];
	struct sn_store *store;
	struct sn_txn *txn; /* One that is never committed. */
	struct sn_why why;
	uint8_t made; /* Certificates so far: each has a fingerprint. */
};

static int set_up(void **state)
{
	struct house *h = calloc(1, sizeof(*h));

	assert_non_null(h);
	(void)snprintf(h->dir, sizeof(h->dir), "/tmp/book-XXXXXX");
	assert_non_null(mkdtemp(h->dir));
	assert_int_equal(inventory_create(h->dir, &h->store, &h->why), SN_OK);
	assert_int_equal(sn_txn_write(h->store, &h->txn), SN_OK);
	*state = h;
	return (0);
}

static int tear_down(void **state)
{
	struct house *h = *state;

	sn_txn_abort(h->txn);
	sn_store_close(h->store);
	tree_remove(h->dir);
	free(h);
	return (0);
}

static enum sn_err reserve(struct house *h, bool renews, struct record *rec)
{
	struct intent intent = { .renews = renews, .keep_old = DAY };

	memset(rec, 0, sizeof(*rec));
	rec->kind = KIND_CLIENT;
	rec->issuer = 1;
	rec->not_after = DAY;
	(void)snprintf(rec->name, sizeof(rec->name), "alice");
	(void)snprintf(rec->label, sizeof(rec->label), "laptop");
	return (book_reserve_in(h->txn, rec, renews, &intent, &h->why));
}

static enum sn_err enter(struct house *h, bool renews, struct record *rec)
{
	rec->der = sn_bytes_of("a certificate");
	rec->fingerprint[0] = ++h->made;
	return (book_enter_in(h->txn, rec, renews, &h->why));
}

static void revoke(struct house *h, struct record *rec)
{
	rec->state = STATE_REVOKED;
	rec->revoked_at = rec->created;
	assert_int_equal(book_put(h->txn, rec), SN_OK);
}

static void test_a_certificate_that_holds_is_renewed(void **state)
{
	struct house *h = *state;
	struct record old, new, now;

	assert_int_equal(reserve(h, false, &old), SN_OK);
	assert_int_equal(enter(h, false, &old), SN_OK);
	assert_int_equal(reserve(h, true, &new), SN_OK);
	assert_int_equal(enter(h, true, &new), SN_OK);
	assert_int_equal(book_get(h->txn, old.serial, &now), SN_OK);
	assert_int_equal(now.due, new.created + DAY);
}

static void test_what_is_revoked_is_not_renewed(void **state)
{
	struct house *h = *state;
	struct record old, new;

	assert_int_equal(reserve(h, false, &old), SN_OK);
	assert_int_equal(enter(h, false, &old), SN_OK);
	revoke(h, &old);
	assert_int_equal(reserve(h, true, &new), SN_EDENIED);
	assert_non_null(strstr(h->why.text, "sicher-ca issue"));
}

static void test_a_revocation_while_it_is_renewed_gives_the_new_one_up(
    void **state)
{
	struct house *h = *state;
	struct record old, new, now;

	assert_int_equal(reserve(h, false, &old), SN_OK);
	assert_int_equal(enter(h, false, &old), SN_OK);
	assert_int_equal(reserve(h, true, &new), SN_OK);
	revoke(h, &old);
	assert_int_equal(enter(h, true, &new), SN_EDENIED);
	assert_int_equal(book_get(h->txn, new.serial, &now), SN_OK);
	assert_int_equal(now.state, STATE_ABANDONED);
	assert_int_equal(now.der.n, 0);
}

static void test_a_device_gets_no_second_certificate_but_by_renewal(
    void **state)
{
	struct house *h = *state;
	struct record first, second, third, now;

	assert_int_equal(reserve(h, false, &first), SN_OK);
	/* Two at the same time: who enters later is given up. */
	assert_int_equal(reserve(h, false, &second), SN_OK);
	assert_int_equal(enter(h, false, &first), SN_OK);
	assert_int_equal(enter(h, false, &second), SN_EEXISTS);
	assert_int_equal(book_get(h->txn, second.serial, &now), SN_OK);
	assert_int_equal(now.state, STATE_ABANDONED);
	assert_int_equal(reserve(h, false, &third), SN_EEXISTS);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_a_certificate_that_holds_is_renewed),
		CASE(test_what_is_revoked_is_not_renewed),
		CASE(
		    test_a_revocation_while_it_is_renewed_gives_the_new_one_up),
		CASE(test_a_device_gets_no_second_certificate_but_by_renewal),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
