#ifndef TESTS_BENCH_COMMIT_H
#define TESTS_BENCH_COMMIT_H

/*
 * The three tables that a message of the server's is written to, with keys
 * of the same form and records as long, and nothing else: what LMDB alone
 * makes of them.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/store.h"

/*
 * What the server's record of a message has beside the body (checksum, id,
 * time, names, content type) where the names are as long as those of the
 * measurements; tests/unit/test_bench_protocol.c compares.
 */
#define COMMIT_AROUND 106

enum commit_table { COMMIT_LOG, COMMIT_ROOM_INDEX, COMMIT_DEDUPE };

struct commit {
	struct sn_store *store;
	struct sn_txn *txn;
	uint64_t seq;
};

static inline void commit_must(enum sn_err err, const char *what)
{
	if (err == SN_OK)
		return;
	(void)fprintf(stderr, "%s: %s\n", what, sn_err_text(err));
	exit(1);
}

static inline struct commit commit_open(const char *dir)
{
	static const struct sn_store_table tables[] = {
		{ .name = "log" },
		{ .name = "room_index" },
		{ .name = "dedupe" },
	};
	struct sn_store_options options = { .dir = dir,
		.map_size = UINT64_C(64) << 30,
		.max_readers = 16,
		.tables = tables,
		.table_count = 3 };
	struct sn_why why = { "" };
	struct commit c = { .seq = 0 };

	commit_must(sn_store_open(&options, &c.store, &why), why.text);
	return (c);
}

/* One message into the open transaction, which is begun where there is
 * none.  Ids are ordered by time, as those of good clients are. */
static inline void commit_put(
    struct commit *c, uint64_t room, const void *record, size_t n)
{
	uint8_t place[8], index[16], id[24] = { 0x01, 0x93 };
	struct sn_wr p = sn_wr_over(place, sizeof(place));
	struct sn_wr i = sn_wr_over(index, sizeof(index));
	struct sn_wr d = sn_wr_over(id + 2, sizeof(id) - 2);

	if (c->txn == NULL)
		commit_must(sn_txn_write(c->store, &c->txn), "begin");
	c->seq++;
	sn_wr_u64(&p, c->seq);
	sn_wr_u64(&i, room);
	sn_wr_u64(&i, c->seq);
	sn_wr_u64(&d, c->seq);
	commit_must(sn_txn_append(c->txn, COMMIT_LOG,
			(struct sn_bytes){ place, sizeof(place) },
			(struct sn_bytes){ record, n }),
	    "log");
	commit_must(sn_txn_put(c->txn, COMMIT_ROOM_INDEX,
			(struct sn_bytes){ index, sizeof(index) },
			(struct sn_bytes){ "", 0 }),
	    "room_index");
	commit_must(sn_txn_put(c->txn, COMMIT_DEDUPE,
			(struct sn_bytes){ id, sizeof(id) },
			(struct sn_bytes){ place, sizeof(place) }),
	    "dedupe");
}

/* Durable when it returns. */
static inline void commit_end(struct commit *c)
{
	struct sn_txn *txn = c->txn;

	c->txn = NULL;
	if (txn != NULL)
		commit_must(sn_txn_commit(txn), "commit");
}

static inline void commit_close(struct commit *c)
{
	sn_store_close(c->store);
}

#endif
