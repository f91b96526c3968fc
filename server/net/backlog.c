#include "server/net/backlog.h"

#include <stdlib.h>

#include "server/oplog/db.h"

struct head {
	uint64_t seq; /* The room's next message. */
	uint64_t room;
};

struct backlog {
	struct sn_cursor *index;
	struct head *heap; /* The lowest sequence first. */
	size_t count, cap;
};

static void sift_down(struct backlog *b, size_t i)
{
	for (;;) {
		size_t low = i, l = 2 * i + 1, r = l + 1;
		struct head t;

		if (l < b->count && b->heap[l].seq < b->heap[low].seq)
			low = l;
		if (r < b->count && b->heap[r].seq < b->heap[low].seq)
			low = r;
		if (low == i)
			return;
		t = b->heap[i];
		b->heap[i] = b->heap[low];
		b->heap[low] = t;
		i = low;
	}
}

/* The first message of ${room} at ${from} or later. */
static enum sn_err seek(
    struct backlog *b, uint64_t room, uint64_t from, uint64_t *seq)
{
	struct db_key start = db_key2(room, from);
	struct sn_bytes key, value;
	struct sn_rd r;
	enum sn_err err;

	err = sn_cursor_seek(b->index, db_bytes(&start), &key, &value);
	if (err != SN_OK)
		return (err);
	r = sn_rd_over(key.p, key.n);
	if (sn_rd_u64(&r) != room)
		return (SN_ENOTFOUND);
	*seq = sn_rd_u64(&r);
	return (sn_rd_end(&r) ? SN_OK : SN_ECORRUPT);
}

static enum sn_err add(struct backlog *b, uint64_t room, uint64_t from)
{
	struct head *heap;
	uint64_t seq;
	enum sn_err err;

	err = seek(b, room, from, &seq);
	if (err != SN_OK)
		return (err == SN_ENOTFOUND ? SN_OK : err);
	if (b->count == b->cap) {
		size_t cap = b->cap == 0 ? 16 : 2 * b->cap;

		heap = reallocarray(b->heap, cap, sizeof(*heap));
		if (heap == NULL)
			return (SN_ENOMEM);
		b->heap = heap;
		b->cap = cap;
	}
	b->heap[b->count++] = (struct head){ seq, room };
	return (SN_OK);
}

/* Every room of the account that has something above ${after}. */
static enum sn_err collect(
    struct sn_txn *txn, uint64_t account, uint64_t after, struct backlog *b)
{
	struct db_key from = db_key1(account);
	struct sn_bytes key, value;
	struct sn_cursor *c;
	uint64_t joined;
	enum sn_err err;

	if ((err = sn_cursor_open(txn, DB_ACCOUNT_ROOMS, &c)) != SN_OK)
		return (err);
	err = sn_cursor_seek(c, db_bytes(&from), &key, &value);
	while (err == SN_OK) {
		struct sn_rd r = sn_rd_over(key.p, key.n);

		if (sn_rd_u64(&r) != account)
			break;
		if ((err = db_u64(value, &joined)) != SN_OK)
			break;
		err = add(
		    b, sn_rd_u64(&r), joined > after + 1 ? joined : after + 1);
		if (err != SN_OK)
			break;
		err = sn_cursor_next(c, &key, &value);
	}
	sn_cursor_close(c);
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

enum sn_err backlog_open(
    struct sn_txn *txn, uint64_t account, uint64_t after, struct backlog **out)
{
	struct backlog *b;
	enum sn_err err;

	if ((b = calloc(1, sizeof(*b))) == NULL)
		return (SN_ENOMEM);
	if ((err = sn_cursor_open(txn, DB_ROOM_INDEX, &b->index)) != SN_OK ||
	    (err = collect(txn, account, after, b)) != SN_OK) {
		backlog_close(b);
		return (err);
	}
	for (size_t i = b->count / 2; i > 0; i--)
		sift_down(b, i - 1);
	*out = b;
	return (SN_OK);
}

enum sn_err backlog_next(struct backlog *b, uint64_t *seq)
{
	struct head *top = b->heap;
	enum sn_err err;

	if (b->count == 0)
		return (SN_ENOTFOUND);
	*seq = top->seq;
	err = seek(b, top->room, top->seq + 1, &top->seq);
	if (err == SN_ENOTFOUND)
		*top = b->heap[--b->count];
	else if (err != SN_OK)
		return (err);
	sift_down(b, 0);
	return (SN_OK);
}

void backlog_close(struct backlog *b)
{
	if (b == NULL)
		return;
	sn_cursor_close(b->index);
	free(b->heap);
	free(b);
}
