/* The authority's books opened: those of an older version, and damaged ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ca/inventory.h"
#include "ca/tree.h"

#define FIRST_TABLES 11 /* Of the first version. */

struct house {
	char dir[64];
};

/* Books with the first version's tables, but ${missing}. */
static void make(struct house *h, const char *missing)
{
	struct sn_store_table tables[FIRST_TABLES];
	struct sn_store_options o = {
		.dir = h->dir,
		.map_size = 1U << 20,
		.max_readers = 8,
		.tables = tables,
	};
	struct sn_store *store;

	(void)snprintf(h->dir, sizeof(h->dir), "/tmp/inventory-XXXXXX");
	assert_non_null(mkdtemp(h->dir));
	for (unsigned i = 0; i < FIRST_TABLES; i++) {
		const char *name = inventory_table_name(i);

		if (missing == NULL || strcmp(name, missing) != 0)
			tables[o.table_count++] =
			    (struct sn_store_table){ .name = name };
	}
	assert_int_equal(sn_store_open(&o, &store, NULL), SN_OK);
	sn_store_close(store);
}

static void test_older_books_are_opened_for_reading_and_writing(void **state)
{
	struct sn_store *store;
	struct house h;

	(void)state;
	for (int read_only = 0; read_only < 2; read_only++) {
		struct sn_txn *txn;
		uint64_t n = 1;

		make(&h, NULL);
		assert_int_equal(
		    inventory_open(h.dir, read_only == 1, &store, NULL), SN_OK);
		assert_int_equal(sn_txn_read(store, &txn), SN_OK);
		assert_int_equal(sn_txn_count(txn, TABLE_DUE, &n), SN_OK);
		assert_int_equal(n, 0);
		sn_txn_abort(txn);
		sn_store_close(store);
		tree_remove(h.dir);
	}
}

static void test_books_without_a_table_are_damaged(void **state)
{
	struct sn_store *store;
	struct sn_why why;
	struct house h;

	(void)state;
	for (unsigned i = 0; i < FIRST_TABLES; i++) {
		make(&h, inventory_table_name(i));
		assert_int_equal(
		    inventory_open(h.dir, true, &store, &why), SN_ECORRUPT);
		assert_int_equal(
		    inventory_open(h.dir, false, &store, &why), SN_ECORRUPT);
		assert_non_null(strstr(why.text, inventory_table_name(i)));
		tree_remove(h.dir);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_older_books_are_opened_for_reading_and_writing),
		cmocka_unit_test(test_books_without_a_table_are_damaged),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
