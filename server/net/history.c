#include "server/net/history.h"

#include <stdlib.h>

#include "lib/log.h"
#include "server/oplog/account.h"
#include "server/oplog/db.h"
#include "server/net/dispatch.h"
#include "server/net/history_page.h"
#include "server/net/loop.h"
#include "server/net/net_impl.h"
#include "server/net/sweeper.h"
#include "server/oplog/message.h"
#include "server/oplog/room.h"

#define TURN_BYTES 65536

/* One page, sent over as many turns as it takes. */
struct history {
	uint64_t ref;
	size_t next, sent;
	struct history_page page;
};

/* The conversation with ${with}: the one who has that name now, or else the
 * last one of that name who was deleted. */
static enum sn_err find_direct(
    struct sess *s, struct sn_txn *txn, struct sn_bytes with, uint64_t *room)
{
	struct account account;
	enum sn_err known, err;

	if (!sn_name_account(with))
		return (SN_ENOTFOUND);
	known = account_find(txn, with, &account);
	if (known != SN_OK && known != SN_ENOTFOUND)
		return (known);
	err = known == SN_OK ? room_direct(txn, s->account, account.id, room)
			     : SN_ENOTFOUND;
	if (err == SN_ENOTFOUND)
		err = room_former(txn, s->account, with, room);
	/* Two who never spoke have an empty history. */
	if (err == SN_ENOTFOUND && known == SN_OK &&
	    account.state == ACCOUNT_ACTIVE) {
		*room = 0;
		return (SN_OK);
	}
	return (err);
}

/* The room that ${with} names, for this account, and where it begins; 0 is
 * a conversation that never was. */
static enum sn_err find_room(struct sess *s, struct sn_txn *txn,
    struct sn_bytes with, uint64_t *room, uint64_t *from)
{
	struct room_member member;
	struct room named = { .history = false };
	enum sn_err err;

	if (sn_name_room(with)) {
		if ((err = room_find(txn, with, &named)) != SN_OK)
			return (err);
		*room = named.id;
	} else if ((err = find_direct(s, txn, with, room)) != SN_OK ||
		   *room == 0) {
		return (err);
	}
	err = room_member(txn, *room, s->account, &member);
	*from = named.history ? 0 : member.joined;
	return (err);
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
	struct sn_txn *txn;
	uint64_t room = 0;
	enum sn_err err;

	if ((err = loop_read(s->loop, &txn)) != SN_OK ||
	    (err = find_room(s, txn, f->with, &room, &range.from)) != SN_OK ||
	    room == 0)
		return (err);
	return (history_page(txn, room, &range, &h->page));
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
		sess_error(s, NULL, "bad-frame",
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
	sn_frame_put_item_tail(&w, s->history->ref, seq, m.tail);
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
	while (s->state == SESS_READY && h->next < h->page.count) {
		if (!sess_room(s))
			return; /* sess_flush calls again. */
		if (s->out.len >= stop) {
			sess_again(s);
			return;
		}
		put_item(s, txn, h->page.seqs[h->next++]);
	}
	if (s->state == SESS_READY)
		put_end(s);
}

void history_stop(struct sess *s)
{
	free(s->history);
	s->history = NULL;
}
