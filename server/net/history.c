#include "server/net/history.h"

#include <stdlib.h>

#include "lib/log.h"
#include "server/oplog/db.h"
#include "server/net/conversation.h"
#include "server/net/dispatch.h"
#include "server/net/history_page.h"
#include "server/net/loop.h"
#include "server/net/net_impl.h"
#include "server/net/sweeper.h"
#include "server/net/sess_answer.h"
#include "server/net/sess_error.h"
#include "server/net/sess_work.h"
#include "server/oplog/message.h"

#define TURN_BYTES 65536

/* One page, sent over as many turns as it takes. */
struct history {
	uint64_t ref;
	uint64_t room;
	uint64_t from;    /* What is below is not for this account. */
	uint64_t changes; /* The loop's count when that was looked up. */
	size_t next, sent;
	struct history_page page;
};

static uint64_t visible_from(
    const struct room *room, const struct room_member *me)
{
	return (room->history ? 0 : me->joined);
}

/*
 * The page may be read long after it was asked for: what was said in a room is
 * for those who are in it when it is read.
 */
static enum sn_err look_again(
    struct sess *s, struct sn_txn *txn, struct history *h)
{
	struct room_member me;
	struct room room;
	enum sn_err err;

	if (h->room == 0 || h->changes == s->loop->changes)
		return (SN_OK);
	if ((err = room_get(txn, h->room, &room)) != SN_OK ||
	    (err = room_member(txn, h->room, s->account, &me)) != SN_OK)
		return (err);
	h->from = visible_from(&room, &me);
	h->changes = s->loop->changes;
	return (SN_OK);
}

static enum sn_err collect(
    struct sess *s, const struct sn_frame_history *f, struct history *h)
{
	struct history_range range = {
		.before = f->before,
		.after = f->after,
		.before_time = f->before_time,
		.after_time = f->after_time,
		.limit = f->limit < HISTORY_PAGE_MAX ? (size_t)f->limit
						     : HISTORY_PAGE_MAX,
	};
	struct conversation c;
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = loop_read(s->loop, &txn)) != SN_OK ||
	    (err = conversation_find(txn, s->account, f->with, &c)) != SN_OK ||
	    c.room.id == 0)
		return (err);
	h->room = c.room.id;
	h->changes = s->loop->changes;
	h->from = range.from = visible_from(&c.room, &c.me);
	return (history_page(txn, c.room.id, &range, &h->page));
}

static bool parse(const struct sn_frame *frame, struct sn_frame_history *f)
{
	return (sn_frame_get_history(frame, f) && f->before.set + f->after.set +
							  f->before_time.set +
							  f->after_time.set <=
						      1);
}

void history_on_history(struct sess *s, const struct sn_frame *frame)
{
	struct sn_frame_history f;
	struct history *h;
	enum sn_err err;

	if (!parse(frame, &f)) {
		dispatch_bad(s, frame,
		    "HISTORY needs ref, target, before, after, limit, and at "
		    "most one of before, after and their times");
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
	struct message m;
	struct sn_wr w;
	enum sn_err err = message_get(txn, seq, &m);

	if (err == SN_ENOTFOUND ||
	    (err == SN_OK &&
		message_expired(&m, sweeper_now(s->loop->net->sweeper))))
		return;
	if (err != SN_OK) {
		sn_log(SN_ALARM, "record.damaged",
		    "table=log seq=%llu error=%s", (unsigned long long)seq,
		    sn_err_name(err));
		return;
	}
	w = sess_put(s, m.tail.n + SN_FRAME_AROUND);
	sn_frame_put_item_tail(&w, s->history->ref, seq, m.tail, m.expires);
	sess_put_end(s, &w);
	s->history->sent++;
}

static void put_end(struct sess *s)
{
	struct history *h = s->history;
	struct sn_frame_end f = {
		.ref = h->ref,
		.count = h->sent,
		.more = h->page.more,
	};

	history_stop(s);
	sess_answer_end(s, &f);
	sess_again(s); /* Frames behind the request have waited. */
}

void history_feed(struct sess *s)
{
	struct history *h = s->history;
	size_t stop = s->out.queue.len + TURN_BYTES;
	struct sn_txn *txn;
	enum sn_err err;

	if (h == NULL)
		return;
	if ((err = loop_read(s->loop, &txn)) != SN_OK ||
	    (err = look_again(s, txn, h)) != SN_OK) {
		sess_error_of(s, h->ref, err);
		history_stop(s);
		sess_again(s);
		return;
	}
	while (s->state == SESS_READY && h->next < h->page.count) {
		if (!sess_room(s))
			return; /* sess_flush calls again. */
		if (s->out.queue.len >= stop) {
			sess_again(s);
			return;
		}
		if (h->page.seqs[h->next] >= h->from)
			put_item(s, txn, h->page.seqs[h->next]);
		h->next++;
	}
	if (s->state == SESS_READY)
		put_end(s);
}

void history_stop(struct sess *s)
{
	free(s->history);
	s->history = NULL;
}
