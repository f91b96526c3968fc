#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/frame.h"
#include "server/oplog/applier.h"
#include "server/oplog/db.h"

/*
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

int main(int argc, char **argv)
{
	static struct fill f;
	static char body[SN_FRAME_BODY_MAX];
	struct sn_why why = { "" };
	struct sn_store *store;
	char dir[4096];
	enum sn_err err;

	if (argc < 3 || (f.count = strtoull(argv[2], NULL, 10)) == 0) {
		(void)fprintf(stderr, "usage: fill DATA COUNT [BYTES]\n");
		return (64);
	}
	memset(body, 'x', sizeof(body));
	f.body.p = body;
	f.body.n = argc > 3 ? strtoul(argv[3], NULL, 10) : 200;
	if (f.body.n > sizeof(body))
		f.body.n = sizeof(body);
	f.began = sn_clock_wall_ms() - MONTH_MS;
	(void)snprintf(dir, sizeof(dir), "%s/net", argv[1]);
	if ((err = db_open(dir, UINT64_C(1) << 36, 8, &store, &why)) != SN_OK) {
		(void)fprintf(stderr, "fill: %s\n", why.text);
		return (1);
	}
	read_people(&f, store);
	err = f.people_count == 0 ? SN_ENOTFOUND : fill(&f, store);
	if (err != SN_OK)
		(void)fprintf(stderr, "fill: %" PRIu64 " messages, then %s\n",
		    f.done, sn_err_text(err));
	sn_store_close(store);
	return (err == SN_OK ? 0 : 1);
}
