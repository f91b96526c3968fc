#ifndef TESTS_UNIT_CA_HOUSE_H
#define TESTS_UNIT_CA_HOUSE_H

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

/* The authority's books in a folder of their own, and one transaction on
 * them. */
struct house {
	char dir[64];
	struct sn_store *store;
	struct sn_txn *txn; /* Open for writing, and aborted at the end. */
	struct sn_why why;
	uint8_t made; /* Certificates so far: each has a fingerprint. */
};

static inline int house_begin(void **state)
{
	struct house *h = calloc(1, sizeof(*h));

	assert_non_null(h);
	(void)snprintf(h->dir, sizeof(h->dir), "/tmp/books-XXXXXX");
	assert_non_null(mkdtemp(h->dir));
	assert_int_equal(inventory_create(h->dir, &h->store, &h->why), SN_OK);
	assert_int_equal(sn_txn_write(h->store, &h->txn), SN_OK);
	*state = h;
	return (0);
}

static inline int house_end(void **state)
{
	struct house *h = *state;

	sn_txn_abort(h->txn);
	sn_store_close(h->store);
	tree_remove(h->dir);
	free(h);
	return (0);
}

#endif
