#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "server/net/admin.h"
#include "server/net/sweeper.h"
#include "server/oplog/db.h"
#include "server/oplog/room.h"

#define TOP 10

/* The greatest first; short, so that insertion is quick. */
struct top {
	size_t count;
	struct {
		uint64_t id;
		struct usage usage;
	} at[TOP];
};

static void offer(struct top *top, uint64_t id, const struct usage *usage)
{
	size_t i = top->count;

	if (i == TOP && usage->bytes <= top->at[TOP - 1].usage.bytes)
		return;
	if (i == TOP)
		i--;
	else
		top->count++;
	for (; i > 0 && top->at[i - 1].usage.bytes < usage->bytes; i--)
		top->at[i] = top->at[i - 1];
	top->at[i].id = id;
	top->at[i].usage = *usage;
}

static enum sn_err find_top(
    struct sn_txn *txn, enum usage_of of, struct top *top)
{
	struct db_key from = db_key2(of, 1);
	struct sn_bytes key, value;
	struct sn_cursor *c;
	struct usage usage;
	enum sn_err err;

	top->count = 0;
	if ((err = sn_cursor_open(txn, DB_USAGE, &c)) != SN_OK)
		return (err);
	err = sn_cursor_seek(c, db_bytes(&from), &key, &value);
	while (err == SN_OK) {
		struct sn_rd r = sn_rd_over(key.p, key.n);
		uint64_t id;

		if (sn_rd_u64(&r) != of)
			break;
		id = sn_rd_u64(&r);
		if ((err = usage_get(txn, of, id, &usage)) != SN_OK)
			break;
		offer(top, id, &usage);
		err = sn_cursor_next(c, &key, &value);
	}
	sn_cursor_close(c);
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

static enum sn_err name_account(
    struct sn_txn *txn, uint64_t id, char *out, size_t size)
{
	struct account account;
	enum sn_err err = account_get(txn, id, &account);

	if (err == SN_OK)
		(void)snprintf(out, size, "%s%s", account.name,
		    account.state == ACCOUNT_DELETED ? " (deleted)" : "");
	return (err);
}

static enum sn_err name_room(
    struct sn_txn *txn, uint64_t id, char *out, size_t size)
{
	char lower[SN_NAME_MAX + 16], higher[SN_NAME_MAX + 16];
	struct room room;
	enum sn_err err;

	if ((err = room_get(txn, id, &room)) != SN_OK)
		return (err);
	if (room.kind == ROOM_NAMED) {
		(void)snprintf(out, size, "%s", room.name);
		return (SN_OK);
	}
	if ((err = name_account(txn, room.lower, lower, sizeof(lower))) !=
		SN_OK ||
	    (err = name_account(txn, room.higher, higher, sizeof(higher))) !=
		SN_OK)
		return (err);
	(void)snprintf(out, size, "%s and %s", lower, higher);
	return (SN_OK);
}

static json_t *describe(struct sn_txn *txn, enum usage_of of, uint64_t id,
    const struct usage *usage)
{
	char name[2 * (SN_NAME_MAX + 16) + 8] = "";
	struct limit limit = { 0, 0 };
	enum sn_err err;

	err = of == USAGE_ACCOUNT ? name_account(txn, id, name, sizeof(name))
				  : name_room(txn, id, name, sizeof(name));
	/* One that is gone still uses what it uses. */
	if (err != SN_OK || limit_get(txn, of, id, &limit) != SN_OK)
		(void)snprintf(
		    name, sizeof(name), "number %llu", (unsigned long long)id);
	return (json_pack("{s:s, s:I, s:I, s:I, s:I}", "name", name, "messages",
	    (json_int_t)usage->messages, "bytes", (json_int_t)usage->bytes,
	    "limit_bytes", (json_int_t)limit.bytes, "limit_age",
	    (json_int_t)(limit.age / SN_MS_PER_S)));
}

static enum sn_err list_top(
    struct sn_txn *txn, enum usage_of of, const char *name, json_t *out)
{
	json_t *list = json_array();
	struct top top;
	enum sn_err err;

	(void)json_object_set_new(out, name, list);
	if ((err = find_top(txn, of, &top)) != SN_OK)
		return (err);
	for (size_t i = 0; i < top.count; i++)
		(void)json_array_append_new(
		    list, describe(txn, of, top.at[i].id, &top.at[i].usage));
	return (SN_OK);
}

static enum sn_err list_tables(struct sn_txn *txn, json_t *out)
{
	json_t *list = json_array();
	struct sn_store_size size;
	enum sn_err err;

	(void)json_object_set_new(out, "tables", list);
	for (unsigned i = 0; i < DB_TABLE_COUNT; i++) {
		if ((err = sn_txn_size(txn, i, &size)) != SN_OK)
			return (err);
		(void)json_array_append_new(
		    list, json_pack("{s:s, s:I, s:I}", "name", db_table_name(i),
			      "rows", (json_int_t)size.rows, "bytes",
			      (json_int_t)size.bytes));
	}
	return (SN_OK);
}

static enum sn_err totals(struct sn_txn *txn, json_t *out)
{
	uint64_t head, purged;
	struct usage usage;
	enum sn_err err;

	if ((err = usage_get(txn, USAGE_SERVER, 0, &usage)) != SN_OK ||
	    (err = db_meta(txn, DB_META_LAST_SEQ, &head)) != SN_OK ||
	    (err = db_meta(txn, DB_META_PURGED, &purged)) != SN_OK)
		return (err);
	(void)json_object_set_new(
	    out, "messages", json_integer((json_int_t)usage.messages));
	(void)json_object_set_new(
	    out, "bytes", json_integer((json_int_t)usage.bytes));
	(void)json_object_set_new(out, "head", json_integer((json_int_t)head));
	(void)json_object_set_new(
	    out, "purged", json_integer((json_int_t)purged));
	return (SN_OK);
}

json_t *admin_store(
    struct net *net, const json_t *request, int *fds, unsigned count)
{
	json_t *out = json_pack("{s:b}", "ok", 1);
	struct sn_store_room room;
	struct sn_txn *txn;
	enum sn_err err;

	(void)request;
	(void)fds;
	(void)count;
	admin_settle(net);
	sweeper_status(net->sweeper, out);
	/* As it is now; the sweeper looks every few seconds. */
	if ((err = sn_store_room(net->store, &room)) == SN_OK) {
		(void)json_object_set_new(
		    out, "store_used", json_integer((json_int_t)room.used));
		(void)json_object_set_new(
		    out, "store_free", json_integer((json_int_t)room.free));
	}
	if (err == SN_OK && (err = sn_txn_read(net->store, &txn)) == SN_OK) {
		if ((err = totals(txn, out)) == SN_OK &&
		    (err = list_top(txn, USAGE_ACCOUNT, "accounts", out)) ==
			SN_OK &&
		    (err = list_top(txn, USAGE_ROOM, "rooms", out)) == SN_OK)
			err = list_tables(txn, out);
		sn_txn_abort(txn);
	}
	if (err == SN_OK)
		return (out);
	json_decref(out);
	return (admin_failed("internal",
	    "cannot read the database: %s; `sicherd check` says more",
	    sn_err_text(err)));
}

/* "name" is an account or a #room. */
static enum sn_err find_named(
    struct net *net, const char *name, struct op_limit *out)
{
	struct account account;
	struct sn_txn *txn;
	struct room room;
	enum sn_err err;

	if ((err = sn_txn_read(net->store, &txn)) != SN_OK)
		return (err);
	if (name[0] == '#') {
		out->of = USAGE_ROOM;
		err = room_find(txn, sn_bytes_of(name), &room);
		out->id = err == SN_OK ? room.id : 0;
	} else {
		out->of = USAGE_ACCOUNT;
		err = account_find(txn, sn_bytes_of(name), &account);
		out->id = err == SN_OK ? account.id : 0;
	}
	sn_txn_abort(txn);
	return (err == SN_EINVAL ? SN_ENOTFOUND : err);
}

/* A number from 0 on; 0 where it is not given. */
static bool take(const json_t *request, const char *name, uint64_t *out)
{
	const json_t *value = json_object_get(request, name);
	json_int_t n = json_integer_value(value);

	*out = (uint64_t)n;
	return (value == NULL || (json_is_integer(value) && n >= 0));
}

json_t *admin_store_limit(
    struct net *net, const json_t *request, int *fds, unsigned count)
{
	struct op op = { .kind = OP_LIMIT, .time = sn_clock_wall_ms() };
	const char *name = admin_text(request, "name");
	const json_t *none = json_object_get(request, "none");
	struct limit *limit = &op.limit.limit;
	json_t *failure;
	enum sn_err err;

	(void)fds;
	(void)count;
	/* What is not understood must not read as "no limit". */
	if (!take(request, "bytes", &limit->bytes) ||
	    !take(request, "age", &limit->age) ||
	    (none != NULL && !json_is_boolean(none)))
		return (admin_failed("invalid",
		    "a limit is a number of bytes, and one of milliseconds, "
		    "not below 0; \"none\" is true or false"));
	if ((err = find_named(net, name, &op.limit)) != SN_OK)
		return (
		    admin_failed(err == SN_ENOTFOUND ? "not-found" : "internal",
			err == SN_ENOTFOUND
			    ? "there is no account or room \"%.65s\""
			    : "cannot read the database for \"%.65s\"",
			name));
	if (op.limit.of == USAGE_ACCOUNT && limit->age != 0)
		return (admin_failed("invalid",
		    "an account has a limit of bytes alone; how long messages "
		    "are kept is a room's, or everybody's: retention.age"));
	op.limit.set = !json_is_true(none);
	if (!admin_apply(net, &op, &failure))
		return (failure);
	sn_log(SN_NOTICE, "store.limit",
	    "name=\"%s\" set=%d bytes=%llu age=%llu", name, op.limit.set,
	    (unsigned long long)limit->bytes, (unsigned long long)limit->age);
	return (json_pack("{s:b, s:s}", "ok", 1, "name", name));
}

json_t *admin_store_clock(
    struct net *net, const json_t *request, int *fds, unsigned count)
{
	bool held = sweeper_accept_clock(net->sweeper);

	(void)request;
	(void)fds;
	(void)count;
	if (held)
		sn_log(SN_NOTICE, "clock.accepted",
		    "what=\"an administrator says that it is right\"");
	return (json_pack("{s:b, s:b}", "ok", 1, "was_held", held));
}
