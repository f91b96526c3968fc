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
#include "ca/due.h"
#include "ca/find.h"
#include "ca/inventory.h"
#include "tests/unit/ca_house.h"

#define DAY 86400

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

static void put_server_with(
    struct house *h, const struct intent *intent, struct record *rec)
{
	memset(rec, 0, sizeof(*rec));
	rec->kind = KIND_SERVER;
	rec->issuer = 1;
	rec->not_after = (int64_t)2 * DAY;
	(void)snprintf(rec->name, sizeof(rec->name), "host.example");
	assert_int_equal(
	    book_reserve_in(h->txn, rec, true, intent, &h->why), SN_OK);
	rec->der = sn_bytes_of("a certificate");
	memcpy(rec->fingerprint, rec->serial, SERIAL_BYTES);
	assert_int_equal(book_enter_in(h->txn, rec, true, &h->why), SN_OK);
}

static void put_server(struct house *h, bool renews, struct record *rec)
{
	struct intent intent = { .renews = renews, .keep_old = DAY };

	put_server_with(h, &intent, rec);
}

static enum sn_err count_staying(void *arg, const struct record *rec)
{
	*(unsigned *)arg += rec->state == STATE_VALID && rec->due == 0;
	return (SN_OK);
}

static unsigned staying(struct house *h)
{
	unsigned count = 0;

	assert_int_equal(find_walk(h->txn, KIND_SERVER, "host.example", "",
			     count_staying, &count),
	    SN_OK);
	return (count);
}

static void test_one_renews_any_number(void **state)
{
	struct house *h = *state;
	struct record rec;

	for (unsigned i = 0; i < 200; i++)
		put_server(h, false, &rec);
	assert_int_equal(staying(h), 200);
	put_server(h, true, &rec);
	assert_int_equal(staying(h), 1);
}

static int64_t due_of(struct house *h, const struct record *rec)
{
	struct record now;

	assert_int_equal(book_get(h->txn, rec->serial, &now), SN_OK);
	return (now.due);
}

/* A host of two machines: the other's stays as it is. */
static void test_one_alone_is_renewed_where_it_is_named(void **state)
{
	struct house *h = *state;
	struct intent intent = { .renews = true, .keep_old = DAY };
	struct record first, second, third;

	put_server(h, false, &first);
	put_server(h, false, &second);
	memcpy(intent.old, second.serial, SERIAL_BYTES);
	put_server_with(h, &intent, &third);
	assert_int_equal(due_of(h, &first), 0);
	assert_int_equal(due_of(h, &second), third.created + DAY);
	assert_int_equal(due_of(h, &third), 0);
}

static void let_end(struct house *h, const struct record *rec)
{
	struct record now;

	assert_int_equal(book_get(h->txn, rec->serial, &now), SN_OK);
	assert_int_equal(due_clear(h->txn, &now), SN_OK);
	now.not_after = now.due = now.created - 1;
	assert_int_equal(due_put(h->txn, &now), SN_OK);
	assert_int_equal(book_put(h->txn, &now), SN_OK);
}

static uint64_t due_rows(struct house *h)
{
	uint64_t n;

	assert_int_equal(sn_txn_count(h->txn, TABLE_DUE, &n), SN_OK);
	return (n);
}

static void test_what_has_ended_is_due_no_more(void **state)
{
	struct house *h = *state;
	struct record first, second, third, fourth;

	put_server(h, true, &first);
	put_server(h, true, &second);
	put_server(h, true, &third);
	assert_int_equal(due_rows(h), 2);
	let_end(h, &first);
	assert_int_equal(due_rows(h), 2);
	put_server(h, true, &fourth);
	/* The second and the third, which live. */
	assert_int_equal(due_rows(h), 2);
	assert_int_equal(due_of(h, &first), 0);
	assert_int_not_equal(due_of(h, &second), 0);
	assert_int_not_equal(due_of(h, &third), 0);
}

static enum sn_err read_intent_as(
    struct house *h, const struct record *rec, uint8_t version, size_t less)
{
	struct sn_bytes key = { rec->serial, SERIAL_BYTES }, value;
	struct intent intent;
	uint8_t row[256];

	assert_int_equal(
	    inventory_get(h->txn, TABLE_INTENT, key, &value), SN_OK);
	assert_true(value.n <= sizeof(row));
	memcpy(row, value.p, value.n);
	value = (struct sn_bytes){ row, value.n - less };
	row[0] = version;
	assert_int_equal(
	    inventory_put(h->txn, TABLE_INTENT, key, value), SN_OK);
	return (book_intent(h->txn, rec, &intent));
}

/* What a kill left before the authority was upgraded is settled after it. */
static void test_an_intent_of_the_version_before_is_read(void **state)
{
	struct house *h = *state;
	struct record rec;

	assert_int_equal(reserve(h, false, &rec), SN_OK);
	assert_int_equal(read_intent_as(h, &rec, 3, 0), SN_OK);
	assert_int_equal(read_intent_as(h, &rec, 4, 0), SN_ENEWER);
	assert_int_equal(read_intent_as(h, &rec, 2, 0), SN_ECORRUPT);
	assert_int_equal(read_intent_as(h, &rec, 2, SERIAL_BYTES), SN_OK);
	assert_int_equal(read_intent_as(h, &rec, 3, 0), SN_ECORRUPT);
}

static enum sn_err put_device(struct house *h, const char *name, unsigned label)
{
	struct intent intent = { .keep_old = DAY };
	struct record rec = { .kind = KIND_CLIENT, .issuer = 1 };
	enum sn_err err;

	rec.not_after = DAY;
	rec.der = sn_bytes_of("");
	(void)snprintf(rec.name, sizeof(rec.name), "%s", name);
	(void)snprintf(rec.label, sizeof(rec.label), "%u", label);
	err = book_reserve_in(h->txn, &rec, false, &intent, &h->why);
	if (err != SN_OK)
		return (err);
	rec.der = sn_bytes_of("a certificate");
	memcpy(rec.fingerprint, rec.serial, SERIAL_BYTES);
	return (book_enter_in(h->txn, &rec, false, &h->why));
}

/* Of a name that has more rows than are walked twice. */
static void test_a_device_is_found_among_hundreds_of_one_name(void **state)
{
	struct house *h = *state;

	for (unsigned i = 0; i < 300; i++) {
		assert_int_equal(put_device(h, "many", i), SN_OK);
		assert_int_equal(put_device(h, "many", i), SN_EEXISTS);
		assert_int_equal(put_device(h, "many", 0), SN_EEXISTS);
		assert_int_equal(put_device(h, "man", i), SN_OK);
		assert_int_equal(put_device(h, "man", i), SN_EEXISTS);
	}
}

static void test_without_its_renewal_the_newest_of_the_old_holds_on(
    void **state)
{
	struct house *h = *state;
	struct record first, second, third, released;
	bool superseded;

	put_server(h, true, &first);
	put_server(h, true, &second);
	put_server(h, true, &third);
	/* While the last is there, nothing is undone. */
	assert_int_equal(
	    due_superseded(h->txn, &second, second.created, &superseded),
	    SN_OK);
	assert_true(superseded);
	assert_int_equal(due_release(h->txn, &third, third.created, &released),
	    SN_ENOTFOUND);
	revoke(h, &third);
	assert_int_equal(
	    due_superseded(h->txn, &second, second.created, &superseded),
	    SN_OK);
	assert_false(superseded);
	assert_int_equal(
	    due_release(h->txn, &third, third.created, &released), SN_OK);
	assert_int_equal(released.due, 0);
	assert_int_equal(staying(h), 1);
	/* Once, and no more. */
	assert_int_equal(due_release(h->txn, &third, third.created, &released),
	    SN_ENOTFOUND);
}

static void test_what_has_ended_does_not_hold_on(void **state)
{
	struct house *h = *state;
	struct record first, second, released;

	put_server(h, true, &first);
	put_server(h, true, &second);
	revoke(h, &second);
	assert_int_equal(
	    due_release(h->txn, &second, first.not_after + 1, &released),
	    SN_ENOTFOUND);
}

/* As a page that lost a row leaves them. */
static void test_a_row_that_is_missing_gives_a_device_no_second_certificate(
    void **state)
{
	struct house *h = *state;
	struct record first, second;
	uint8_t key[BOOK_KEY];
	size_t n;

	assert_int_equal(reserve(h, false, &first), SN_OK);
	assert_int_equal(enter(h, false, &first), SN_OK);
	n = book_device_key(&first, key);
	assert_int_equal(
	    sn_txn_delete(h->txn, TABLE_DEVICE, (struct sn_bytes){ key, n }),
	    SN_OK);
	assert_int_equal(reserve(h, false, &second), SN_ECORRUPT);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, house_begin, house_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_a_device_is_found_among_hundreds_of_one_name),
		CASE(test_a_certificate_that_holds_is_renewed),
		CASE(test_what_is_revoked_is_not_renewed),
		CASE(
		    test_a_revocation_while_it_is_renewed_gives_the_new_one_up),
		CASE(test_a_device_gets_no_second_certificate_but_by_renewal),
		CASE(test_one_renews_any_number),
		CASE(test_one_alone_is_renewed_where_it_is_named),
		CASE(test_what_has_ended_is_due_no_more),
		CASE(test_an_intent_of_the_version_before_is_read),
		CASE(test_without_its_renewal_the_newest_of_the_old_holds_on),
		CASE(test_what_has_ended_does_not_hold_on),
		CASE(
		    test_a_row_that_is_missing_gives_a_device_no_second_certificate),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
