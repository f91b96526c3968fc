#include "server/net/history_page.h"

#include "server/oplog/db.h"
#include "server/oplog/message.h"

/* One step of the walk; SN_ENOTFOUND at the end of the room. */
static enum sn_err here(enum sn_err err, struct sn_bytes key, uint64_t room,
    uint64_t from, uint64_t *seq)
{
	struct sn_rd r = sn_rd_over(key.p, key.n);

	if (err != SN_OK)
		return (err);
	if (sn_rd_u64(&r) != room)
		return (SN_ENOTFOUND);
	*seq = sn_rd_u64(&r);
	return (*seq < from ? SN_ENOTFOUND : SN_OK);
}

static enum sn_err walk_up(struct sn_cursor *c, uint64_t room, uint64_t from,
    size_t limit, struct history_page *page)
{
	struct db_key start = db_key2(room, from);
	struct sn_bytes key, value;
	uint64_t seq;
	enum sn_err err;

	err = sn_cursor_seek(c, db_bytes(&start), &key, &value);
	while ((err = here(err, key, room, from, &seq)) == SN_OK) {
		if (page->count == limit) {
			page->more = true;
			return (SN_OK);
		}
		page->seqs[page->count++] = seq;
		err = sn_cursor_next(c, &key, &value);
	}
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

static void reverse(struct history_page *page)
{
	for (size_t i = 0; i < page->count / 2; i++) {
		uint64_t t = page->seqs[i];

		page->seqs[i] = page->seqs[page->count - 1 - i];
		page->seqs[page->count - 1 - i] = t;
	}
}

static enum sn_err walk_down(struct sn_cursor *c, uint64_t room, uint64_t from,
    uint64_t before, size_t limit, struct history_page *page)
{
	struct db_key start = db_key2(room, before);
	struct sn_bytes key, value;
	uint64_t seq;
	enum sn_err err;

	err = sn_cursor_seek(c, db_bytes(&start), &key, &value);
	if (err == SN_OK)
		err = sn_cursor_prev(c, &key, &value);
	else if (err == SN_ENOTFOUND)
		err = sn_cursor_last(c, &key, &value);
	while ((err = here(err, key, room, from, &seq)) == SN_OK) {
		if (page->count == limit) {
			page->more = true;
			break;
		}
		page->seqs[page->count++] = seq;
		err = sn_cursor_prev(c, &key, &value);
	}
	reverse(page);
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

/* The range as sequences: upwards from *${start}, or downwards below it. */
static enum sn_err resolve(struct sn_txn *txn, const struct history_range *r,
    bool *up, uint64_t *start)
{
	uint64_t seq;
	enum sn_err err = SN_OK;

	*up = r->after.set || r->after_time.set;
	if (r->after_time.set || r->before_time.set) {
		err = message_before(txn,
		    r->after_time.set ? r->after_time.value
				      : r->before_time.value,
		    &seq);
		*start = seq + 1;
	} else if (r->after.set) {
		*start = r->after.value < UINT64_MAX ? r->after.value + 1
						     : UINT64_MAX;
	} else {
		*start = r->before.set ? r->before.value : UINT64_MAX;
	}
	return (err);
}

enum sn_err history_page(struct sn_txn *txn, uint64_t room,
    const struct history_range *range, struct history_page *out)
{
	size_t limit = range->limit;
	struct sn_cursor *c;
	uint64_t start;
	enum sn_err err;
	bool up;

	out->count = 0;
	out->more = false;
	if (limit > HISTORY_PAGE_MAX)
		limit = HISTORY_PAGE_MAX;
	if ((err = resolve(txn, range, &up, &start)) != SN_OK ||
	    (err = sn_cursor_open(txn, DB_ROOM_INDEX, &c)) != SN_OK)
		return (err);
	if (up)
		err = walk_up(c, room,
		    start > range->from ? start : range->from, limit, out);
	else
		err = walk_down(c, room, range->from, start, limit, out);
	sn_cursor_close(c);
	return (err);
}
