#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/frame.h"
#include "server/oplog/applier.h"
#include "server/oplog/db.h"

/*
 * fill DATA members COUNT: COUNT accounts without a password, with names as
 * long as they may be, and all accounts in the open room #full, whose owner
 * is the first of them.
 *
 * fill DATA COUNT [BYTES]: put COUNT messages into the database of a stopped
 * server, through the same apply that the server uses, as if its accounts
 * had sent them to each other over the last month.
 */
#define ROWS_A_COMMIT 20000
#define MONTH_MS (UINT64_C(30) * 24 * 3600 * 1000)
#define PEOPLE_MAX 1000

struct fill {
	struct account people[PEOPLE_MAX];
	uint64_t people_count;
	uint64_t count, done, began; /* ms */
	struct sn_bytes body;
	struct applier applier;
};

static void read_people(struct fill *f, struct sn_store *store)
{
	struct sn_txn *txn;

	if (sn_txn_read(store, &txn) != SN_OK)
		return;
	for (uint64_t id = 1; f->people_count < PEOPLE_MAX; id++) {
		struct account *a = &f->people[f->people_count];

		if (account_get(txn, id, a) != SN_OK)
			break;
		if (a->state == ACCOUNT_ACTIVE)
			f->people_count++;
	}
	sn_txn_abort(txn);
}

/* As a client makes them: of their time, and different. */
static void make_id(uint64_t ms, uint64_t n, uint8_t id[SN_FRAME_ID])
{
	struct sn_wr w = sn_wr_over(id, SN_FRAME_ID);

	sn_wr_u64(&w, ms << 16 | 0x7000 | (n & 0xfff));
	sn_wr_u64(
	    &w, (n * UINT64_C(0x9e3779b97f4a7c15)) >> 2 | UINT64_C(1) << 63);
}

static enum sn_err put(struct fill *f)
{
	uint64_t n = f->done, time = f->began + MONTH_MS / f->count * n;
	const struct account *from = &f->people[n % f->people_count];
	const struct account *to = &f->people[(n / 7) % f->people_count];
	struct sn_frame_deliver d = { .time = time,
		.to = sn_bytes_of(to->name),
		.from = sn_bytes_of(from->name),
		.device = sn_bytes_of("filled"),
		.content_type = sn_bytes_of("text/plain"),
		.body = f->body };
	struct op op = { .kind = OP_MESSAGE, .time = time };
	static uint8_t tail[SN_FRAME_MAX], space[SN_FRAME_MAX + OP_OVERHEAD];
	struct sn_wr w = sn_wr_over(tail, sizeof(tail));
	struct applied out;

	make_id(time, n, d.id);
	sn_frame_put_tail(&w, &d);
	op.message.sender = from->id;
	op.message.direct = true;
	op.message.target = to->id;
	memcpy(op.message.id, d.id, sizeof(d.id));
	op.message.tail = (struct sn_bytes){ tail, w.n };
	w = sn_wr_over(space, sizeof(space));
	op_encode(&op, &w);
	return (applier_apply(&f->applier, (struct sn_bytes){ space, w.n },
	    f->applier.last + 1, &out));
}

static enum sn_err fill(struct fill *f, struct sn_store *store)
{
	enum sn_err err;

	while (f->done < f->count) {
		if ((err = applier_begin(store, &f->applier)) != SN_OK)
			return (err);
		for (unsigned i = 0; i < ROWS_A_COMMIT && f->done < f->count;
		     i++, f->done++) {
			if ((err = put(f)) != SN_OK) {
				applier_abort(&f->applier);
				return (err);
			}
		}
		if ((err = applier_commit(&f->applier)) != SN_OK)
			return (err);
	}
	return (SN_OK);
}

static enum sn_err apply_op(struct applier *a, const struct op *op)
{
	static uint8_t space[OP_OVERHEAD];
	struct sn_wr w = sn_wr_over(space, sizeof(space));
	struct applied out;

	op_encode(op, &w);
	return (applier_apply(
	    a, (struct sn_bytes){ space, w.n }, a->last + 1, &out));
}

static enum sn_err add_account(struct applier *a, uint64_t id, uint64_t now)
{
	struct op op = { .kind = OP_ACCOUNT_ADD, .time = now };

	op.account.id = id;
	op.account.role = ACCOUNT_USER;
	(void)snprintf(
	    op.account.name, sizeof(op.account.name), "m%063" PRIu64, id);
	return (apply_op(a, &op));
}

static enum sn_err join(struct applier *a, uint64_t id, uint64_t room)
{
	struct op op = { .kind = OP_ROOM_MEMBER };

	op.room_member.room = room;
	op.room_member.account = op.room_member.by = id;
	op.room_member.change = OP_JOIN;
	op.room_member.limit = op.room_member.account_limit = UINT32_MAX;
	return (apply_op(a, &op));
}

static enum sn_err fill_room(
    struct fill *f, struct sn_store *store, uint64_t now)
{
	struct op op = { .kind = OP_ROOM_CREATE, .time = now };
	uint64_t last = f->people[f->people_count - 1].id, room;
	struct applier *a = &f->applier;
	enum sn_err err;

	op.room_create.creator = f->people[0].id;
	op.room_create.open = true;
	op.room_create.name = sn_bytes_of("#full");
	op.room_create.topic = sn_bytes_of("");
	op.room_create.limit = op.room_create.account_limit = UINT32_MAX;
	if ((err = applier_begin(store, a)) != SN_OK)
		return (err);
	if ((err = apply_op(a, &op)) != SN_OK ||
	    (err = db_meta(a->txn, DB_META_LAST_ROOM, &room)) != SN_OK)
		goto err0;
	for (uint64_t i = 1; i < f->people_count; i++) {
		if ((err = join(a, f->people[i].id, room)) != SN_OK)
			goto err0;
	}
	for (uint64_t i = 1; i <= f->count; i++) {
		if ((err = add_account(a, last + i, now)) != SN_OK ||
		    (err = join(a, last + i, room)) != SN_OK)
			goto err0;
	}
	return (applier_commit(a));

err0:
	applier_abort(a);
	return (err);
}

int main(int argc, char **argv)
{
	bool members = argc == 4 && strcmp(argv[2], "members") == 0;
	static struct fill f;
	static char body[SN_FRAME_BODY_MAX];
	struct sn_why why = { "" };
	struct sn_store *store;
	char dir[4096];
	enum sn_err err;

	if (argc < 3 ||
	    (f.count = strtoull(argv[2 + members], NULL, 10)) == 0) {
		(void)fprintf(stderr,
		    "usage: fill DATA COUNT [BYTES] | DATA members COUNT\n");
		return (64);
	}
	memset(body, 'x', sizeof(body));
	f.body.p = body;
	f.body.n = argc > 3 ? strtoul(argv[3], NULL, 10) : 200;
	if (f.body.n > sizeof(body))
		f.body.n = sizeof(body);
	f.began = sn_clock_wall_ms() - MONTH_MS;
	(void)snprintf(dir, sizeof(dir), "%s/net", argv[1]);
	if ((err = db_open(dir, UINT64_C(1) << 36, 8, NULL, &store, &why)) !=
	    SN_OK) {
		(void)fprintf(stderr, "fill: %s\n", why.text);
		return (1);
	}
	read_people(&f, store);
	if (f.people_count == 0)
		err = SN_ENOTFOUND;
	else if (members)
		err = fill_room(&f, store, sn_clock_wall_ms());
	else
		err = fill(&f, store);
	if (err != SN_OK)
		(void)fprintf(stderr, "fill: %" PRIu64 " messages, then %s\n",
		    f.done, sn_err_text(err));
	sn_store_close(store);
	return (err == SN_OK ? 0 : 1);
}
