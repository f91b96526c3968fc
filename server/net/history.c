#include "server/net/history.h"

#include <stdlib.h>

#include "lib/log.h"
#include "server/oplog/account.h"
#include "server/oplog/db.h"
#include "server/net/dispatch.h"
#include "server/net/loop.h"
#include "server/oplog/message.h"
#include "server/oplog/room.h"

#define LIMIT_MAX 200
#define TURN_BYTES 65536

/* The places of one page, ascending; sent over as many turns as it takes. */
struct history {
	uint64_t ref;
	bool more;
	size_t next, count;
	uint64_t seqs[LIMIT_MAX];
};

/* The room that ${with} names, for this account, and where it begins; 0 is
 * a conversation that never was. */
static enum sn_err find_room(struct sess *s, struct sn_txn *txn,
    struct sn_bytes with, uint64_t *room, uint64_t *from)
{
	struct room_member member;
	struct account account;
	struct room named;
	enum sn_err err;

	if (sn_name_room(with)) {
		if ((err = room_find(txn, with, &named)) != SN_OK)
			return (err);
		*room = named.id;
	} else {
		if (!sn_name_account(with))
			return (SN_ENOTFOUND);
		if ((err = account_find(txn, with, &account)) != SN_OK)
			return (err);
		err = room_direct(txn, s->account, account.id, room);
		/* Two who never spoke have an empty history. */
		if (err == SN_ENOTFOUND && account.state == ACCOUNT_ACTIVE) {
			*room = 0;
			return (SN_OK);
		}
		if (err != SN_OK)
			return (err);
	}
	err = room_member(txn, *room, s->account, &member);
	*from = member.joined;
	return (err);
}

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
    size_t limit, struct history *h)
{
	struct db_key start = db_key2(room, from);
	struct sn_bytes key, value;
	uint64_t seq;
	enum sn_err err;

	err = sn_cursor_seek(c, db_bytes(&start), &key, &value);
	while ((err = here(err, key, room, from, &seq)) == SN_OK) {
		if (h->count == limit) {
			h->more = true;
			return (SN_OK);
		}
		h->seqs[h->count++] = seq;
		err = sn_cursor_next(c, &key, &value);
	}
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

static void reverse(struct history *h)
{
	for (size_t i = 0; i < h->count / 2; i++) {
		uint64_t t = h->seqs[i];

		h->seqs[i] = h->seqs[h->count - 1 - i];
		h->seqs[h->count - 1 - i] = t;
	}
}

static enum sn_err walk_down(struct sn_cursor *c, uint64_t room, uint64_t from,
    uint64_t before, size_t limit, struct history *h)
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
		if (h->count == limit) {
			h->more = true;
			break;
		}
		h->seqs[h->count++] = seq;
		err = sn_cursor_prev(c, &key, &value);
	}
	reverse(h);
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

static enum sn_err collect(
    struct sess *s, const struct sn_frame_history *f, struct history *h)
{
	size_t limit = f->limit < LIMIT_MAX ? (size_t)f->limit : LIMIT_MAX;
	uint64_t room = 0, from = 0, start;
	struct sn_cursor *c;
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = loop_read(s->loop, &txn)) != SN_OK ||
	    (err = find_room(s, txn, f->with, &room, &from)) != SN_OK ||
	    room == 0)
		return (err);
	if ((err = sn_cursor_open(txn, DB_ROOM_INDEX, &c)) != SN_OK)
		return (err);
	if (f->after.set && f->after.value < UINT64_MAX) {
		start = f->after.value + 1;
		err = walk_up(c, room, start > from ? start : from, limit, h);
	} else if (!f->after.set) {
		err = walk_down(c, room, from,
		    f->before.set ? f->before.value : UINT64_MAX, limit, h);
	}
	sn_cursor_close(c);
	return (err);
}

void history_on_history(struct sess *s, const struct sn_frame *frame)
{
	struct sn_frame_history f;
	struct history *h;
	enum sn_err err;

	if (!sn_frame_get_history(frame, &f) || (f.before.set && f.after.set)) {
		sess_error(s, NULL, "bad-frame",
		    "HISTORY needs ref, target, one of before and after or "
		    "neither, limit");
		return;
	}
	if ((h = calloc(1, sizeof(*h))) == NULL) {
		sess_error_of(s, f.ref, SN_ENOMEM);
		return;
	}
	h->ref = f.ref;
	if ((err = collect(s, &f, h)) != SN_OK) {
		free(h);
		sess_error_of(s, f.ref, err);
		return;
	}
	s->history = h;
	sess_again(s);
}

/* A message that was removed meanwhile, or is damaged, is left out. */
static void put_item(struct sess *s, struct sn_txn *txn, uint64_t seq)
{
	struct sn_bytes tail;
	struct sn_wr w;
	enum sn_err err;

	if ((err = message_tail(txn, seq, &tail)) != SN_OK) {
		sn_log(SN_ALARM, "record.damaged",
		    "table=log seq=%llu error=%s", (unsigned long long)seq,
		    sn_err_name(err));
		return;
	}
	w = sess_put(s, tail.n + SN_FRAME_AROUND);
	sn_frame_put_item_tail(&w, s->history->ref, seq, tail);
	sess_put_end(s, &w);
}

static void put_end(struct sess *s)
{
	struct history *h = s->history;
	struct sn_frame_end f = {
		.ref = h->ref,
		.count = h->count,
		.more = h->more,
	};
	struct sn_wr w = sess_put(s, 32);

	sn_frame_put_end(&w, &f);
	history_stop(s);
	sess_put_end(s, &w);
	sess_again(s); /* Frames behind the request have waited. */
}

void history_feed(struct sess *s)
{
	struct history *h = s->history;
	size_t stop = s->out.len + TURN_BYTES;
	struct sn_txn *txn;
	enum sn_err err;

	if (h == NULL)
		return;
	if ((err = loop_read(s->loop, &txn)) != SN_OK) {
		sess_error_of(s, h->ref, err);
		history_stop(s);
		return;
	}
	while (s->state == SESS_READY && h->next < h->count) {
		if (!sess_room(s))
			return; /* sess_flush calls again. */
		if (s->out.len >= stop) {
			sess_again(s);
			return;
		}
		put_item(s, txn, h->seqs[h->next++]);
	}
	if (s->state == SESS_READY)
		put_end(s);
}

void history_stop(struct sess *s)
{
	free(s->history);
	s->history = NULL;
}
