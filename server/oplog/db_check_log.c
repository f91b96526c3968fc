#include <stdlib.h>
#include <string.h>

#include "server/base/map.h"
#include "server/oplog/db_check.h"
#include "server/oplog/dedupe.h"
#include "server/oplog/op.h"
#include "server/oplog/tally.h"

#define N(x) ((unsigned long long)(x))

/* What the walk along the log counts, to be compared with what is said. */
struct counts {
	uint64_t rows, sum, last, purged;
	struct usage server;
	struct map accounts, rooms; /* id -> struct usage */
};

static enum sn_err count(struct map *map, uint64_t id, size_t bytes)
{
	struct usage *u = map_get(map, id);
	enum sn_err err;

	if (u == NULL) {
		if ((u = calloc(1, sizeof(*u))) == NULL)
			return (SN_ENOMEM);
		if ((err = map_put(map, id, u)) != SN_OK) {
			free(u);
			return (err);
		}
	}
	u->messages++;
	u->bytes += bytes;
	return (SN_OK);
}

static void free_counts(struct map *map)
{
	for (size_t i = 0; i < map->size; i++)
		free(map->slots[i].value);
	map_free(map);
}

static enum sn_err has(
    struct sn_txn *txn, enum db_table table, struct sn_bytes key, bool *out)
{
	struct sn_bytes value;
	enum sn_err err = sn_txn_get(txn, table, key, &value);

	*out = err == SN_OK;
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

static enum sn_err check_indexes(struct sn_txn *txn, struct db_check *c,
    const struct counts *n, const struct op_message *m, uint64_t room,
    uint64_t seq)
{
	struct db_key place = db_key2(room, seq);
	struct db_key due = db_key2(m->expires, seq);
	struct dedupe_key id = dedupe_key(m->id, m->sender);
	bool there;
	enum sn_err err;

	err = has(txn, DB_ROOM_INDEX, db_bytes(&place), &there);
	if (err != SN_OK)
		return (err);
	if (!there)
		db_check_found(c,
		    "room_index: the message %llu is missing from room %llu; "
		    "nobody who was away will get it",
		    N(seq), N(room));
	if (m->expires != 0) {
		err = has(txn, DB_EXPIRES, db_bytes(&due), &there);
		if (err != SN_OK)
			return (err);
		if (!there)
			db_check_found(c,
			    "expires: the message %llu is missing; its ttl "
			    "will not remove it",
			    N(seq));
	}
	if (seq <= n->purged)
		return (SN_OK);
	err = has(txn, DB_DEDUPE,
	    (struct sn_bytes){ id.bytes, sizeof(id.bytes) }, &there);
	if (err == SN_OK && !there)
		db_check_found(c,
		    "dedupe: the message %llu is missing; sent again it would "
		    "be stored twice",
		    N(seq));
	return (err);
}

static enum sn_err check_message(struct sn_txn *txn, struct db_check *c,
    struct counts *n, const struct op_message *m, uint64_t seq, size_t bytes)
{
	uint64_t room = m->target;
	enum sn_err err;

	c->messages++;
	if (m->direct) {
		err = room_direct(txn, m->sender, m->target, &room);
		if (err == SN_ENOTFOUND) {
			db_check_found(c,
			    "directs: the conversation of the message %llu "
			    "is missing",
			    N(seq));
			return (SN_OK);
		}
		if (err != SN_OK)
			return (err);
	}
	n->server.messages++;
	n->server.bytes += bytes;
	if ((err = count(&n->accounts, m->sender, bytes)) != SN_OK ||
	    (err = count(&n->rooms, room, bytes)) != SN_OK)
		return (err);
	return (check_indexes(txn, c, n, m, room, seq));
}

static enum sn_err log_row(struct sn_txn *txn, struct db_check *c,
    struct sn_bytes key, struct sn_bytes row, void *arg)
{
	struct counts *n = arg;
	struct op op;
	uint64_t seq;
	enum sn_err err;

	if (db_u64(key, &seq) != SN_OK) {
		db_check_found(c, "log: a key of %zu bytes", key.n);
		return (SN_OK);
	}
	n->rows++;
	n->sum += tally_mark(seq, row);
	if (seq > n->last)
		db_check_found(c,
		    "log: the row %llu is beyond the end, which is %llu",
		    N(seq), N(n->last));
	if ((err = op_decode(row, &op)) != SN_OK) {
		db_check_found(c, "log: the row %llu: %s; it is not delivered",
		    N(seq), sn_err_text(err));
		return (SN_OK);
	}
	if (op.kind != OP_MESSAGE)
		return (SN_OK);
	return (check_message(txn, c, n, &op.message, seq, row.n));
}

static enum sn_err index_row(struct sn_txn *txn, struct db_check *c,
    struct sn_bytes key, struct sn_bytes value, void *arg)
{
	struct sn_rd r = sn_rd_over(key.p, key.n);
	uint64_t room = sn_rd_u64(&r), seq = sn_rd_u64(&r);
	struct db_key place = db_key1(seq);
	bool there;
	enum sn_err err;

	(void)arg;
	if (!sn_rd_end(&r) || value.n != 0) {
		db_check_found(c,
		    "room_index: a key of %zu bytes with %zu more", key.n,
		    value.n);
		return (SN_OK);
	}
	err = has(txn, DB_LOG, db_bytes(&place), &there);
	if (err == SN_OK && !there)
		db_check_found(c,
		    "log: the message %llu of room %llu is missing; it cannot "
		    "be delivered",
		    N(seq), N(room));
	return (err);
}

static void compare(struct db_check *c, const char *what, uint64_t id,
    const struct usage *said, const struct usage *counted)
{
	if (said->messages != counted->messages ||
	    said->bytes != counted->bytes)
		db_check_found(c,
		    "usage: %s %llu is said to store %llu messages of %llu "
		    "bytes, and %llu of %llu are there",
		    what, N(id), N(said->messages), N(said->bytes),
		    N(counted->messages), N(counted->bytes));
}

static enum sn_err compare_each(struct sn_txn *txn, struct db_check *c,
    enum usage_of of, const struct map *map, const char *what)
{
	struct usage said;
	enum sn_err err;

	for (size_t i = 0; i < map->size; i++) {
		const struct map_slot *slot = &map->slots[i];

		if (slot->key == 0 || slot->value == NULL)
			continue;
		err = usage_get(txn, of, slot->key, &said);
		if (err == SN_ECORRUPT)
			db_check_found(c, "usage: the row of %s %llu: %s", what,
			    N(slot->key), sn_err_text(err));
		else if (err != SN_OK)
			return (err);
		else
			compare(c, what, slot->key, &said, slot->value);
	}
	return (SN_OK);
}

/* What is said of an account or room of which nothing is there. */
static enum sn_err usage_row(struct sn_txn *txn, struct db_check *c,
    struct sn_bytes key, struct sn_bytes value, void *arg)
{
	struct sn_rd r = sn_rd_over(key.p, key.n);
	uint64_t of = sn_rd_u64(&r), id = sn_rd_u64(&r);
	const struct counts *n = arg;

	(void)txn;
	(void)value;
	if (!sn_rd_end(&r) || of > USAGE_ROOM ||
	    (of == USAGE_SERVER && id != 0))
		db_check_found(c, "usage: a key of %zu bytes is none", key.n);
	else if ((of == USAGE_ACCOUNT && map_get(&n->accounts, id) == NULL) ||
		 (of == USAGE_ROOM && map_get(&n->rooms, id) == NULL))
		db_check_found(c,
		    "usage: %s %llu is said to store messages, and none is "
		    "there",
		    of == USAGE_ROOM ? "room" : "account", N(id));
	return (SN_OK);
}

static enum sn_err compare_totals(
    struct sn_txn *txn, struct db_check *c, const struct counts *n)
{
	uint64_t rows, sum;
	struct usage said;
	enum sn_err err;

	if ((err = db_meta(txn, DB_META_LOG_ROWS, &rows)) != SN_OK ||
	    (err = db_meta(txn, DB_META_LOG_SUM, &sum)) != SN_OK ||
	    (err = usage_get(txn, USAGE_SERVER, 0, &said)) != SN_OK)
		return (err);
	if (rows != n->rows)
		db_check_found(c,
		    "log: %llu rows are there, and %llu should be", N(n->rows),
		    N(rows));
	else if (sum != n->sum)
		db_check_found(c,
		    "log: the sum of its rows is not what it should be: one "
		    "was replaced");
	compare(c, "the server", 0, &said, &n->server);
	return (SN_OK);
}

enum sn_err db_check_log(struct sn_txn *txn, struct db_check *c)
{
	struct counts n = { .rows = 0 };
	enum sn_err err;

	if ((err = db_meta(txn, DB_META_LAST_SEQ, &n.last)) == SN_OK &&
	    (err = db_meta(txn, DB_META_PURGED, &n.purged)) == SN_OK &&
	    (err = db_check_each(txn, c, DB_LOG, log_row, &n)) == SN_OK &&
	    (err = db_check_each(txn, c, DB_ROOM_INDEX, index_row, NULL)) ==
		SN_OK &&
	    (err = compare_totals(txn, c, &n)) == SN_OK &&
	    (err = compare_each(
		 txn, c, USAGE_ACCOUNT, &n.accounts, "account")) == SN_OK &&
	    (err = db_check_each(txn, c, DB_USAGE, usage_row, &n)) == SN_OK)
		err = compare_each(txn, c, USAGE_ROOM, &n.rooms, "room");
	free_counts(&n.accounts);
	free_counts(&n.rooms);
	return (err);
}
