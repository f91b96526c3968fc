#include "server/net/receipt_delivered.h"

#include <stdlib.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "server/net/conversation.h"
#include "server/net/net_impl.h"
#include "server/net/receipt_post.h"
#include "server/net/settle.h"
#include "server/oplog/account.h"
#include "server/oplog/db.h"
#include "server/oplog/message.h"
#include "server/oplog/room.h"

#define AGAIN_NS SN_NS_PER_S /* Between two looks at one session. */
#define LOOK_MOST 256        /* Messages of a room that one look takes in. */
#define SENDERS_MOST 256     /* As limits.small_room's range. */

/* Those who have sent something that was met, walking backwards. */
struct senders {
	size_t count, most;
	uint64_t ids[SENDERS_MOST];
};

static bool is_new(struct senders *known, uint64_t id)
{
	for (size_t i = 0; i < known->count; i++) {
		if (known->ids[i] == id)
			return (false);
	}
	known->ids[known->count++] = id;
	return (true);
}

/* Tell those who sent something above ${from} that ${me} has got it; ${seq}
 * is the room's last message that it has. */
static enum sn_err look_at(struct receipt_post *p, struct sn_txn *txn,
    struct sn_cursor *c, const struct room *room, const struct account *me,
    uint64_t from, uint64_t seq)
{
	struct sn_frame_receipt f = {
		.with = sn_bytes_of(
		    room->kind == ROOM_NAMED ? room->name : me->name),
		.account = sn_bytes_of(me->name),
		.kind = sn_bytes_of("delivered"),
	};
	struct senders known = { .most = (size_t)room->members - 1 };
	struct room_member member;
	struct message m;
	enum sn_err err = SN_OK;

	for (unsigned n = 0; n < LOOK_MOST && known.count < known.most &&
			     err == SN_OK && seq > from;
	     n++) {
		err = message_get(txn, seq, &m);
		/* Who has left learns nothing more of the room. */
		if (err == SN_OK && m.sender != me->id &&
		    room_member(txn, room->id, m.sender, &member) == SN_OK &&
		    is_new(&known, m.sender)) {
			f.seq = seq;
			receipt_post_tell(p, m.sender, 0, &f);
		}
		/* One that retention took, or that is damaged: the next. */
		if (err == SN_OK || sn_err_class(err) == SN_C_REQUEST ||
		    err == SN_ECORRUPT)
			err = conversation_last(c, room->id, seq - 1, &seq);
	}
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

/* One room of an account whose cursor went from ${from} to ${to}. */
static enum sn_err pass_room(struct receipt_post *p, struct sn_txn *txn,
    struct sn_cursor *c, const struct account *me, uint64_t id, uint64_t from,
    uint64_t to)
{
	struct room room;
	uint64_t seq;
	enum sn_err err;

	err = conversation_last(c, id, to, &seq);
	if (err == SN_ENOTFOUND || (err == SN_OK && seq <= from))
		return (SN_OK);
	if (err != SN_OK || (err = room_get(txn, id, &room)) != SN_OK)
		return (err);
	if (room.members < 2 ||
	    room.members > p->loop->settings->limits.small_room)
		return (SN_OK);
	return (look_at(p, txn, c, &room, me, from, seq));
}

static enum sn_err pass_rooms(struct receipt_post *p, struct sn_txn *txn,
    struct sn_cursor *c, const struct account *me, uint64_t from, uint64_t to)
{
	struct db_key start = db_key1(me->id);
	struct sn_bytes key, value;
	struct sn_cursor *rooms;
	uint64_t joined;
	enum sn_err err;

	if ((err = sn_cursor_open(txn, DB_ACCOUNT_ROOMS, &rooms)) != SN_OK)
		return (err);
	err = sn_cursor_seek(rooms, db_bytes(&start), &key, &value);
	while (err == SN_OK) {
		struct sn_rd r = sn_rd_over(key.p, key.n);

		if (sn_rd_u64(&r) != me->id)
			break;
		if ((err = db_u64(value, &joined)) != SN_OK ||
		    (err = pass_room(p, txn, c, me, sn_rd_u64(&r),
			 joined > from ? joined - 1 : from, to)) != SN_OK)
			break;
		err = sn_cursor_next(rooms, &key, &value);
	}
	sn_cursor_close(rooms);
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

/* All that a session of ${account} has acknowledged since it was looked at
 * last. */
static void look(
    struct receipt_post *p, uint64_t account, uint64_t from, uint64_t to)
{
	struct sn_cursor *c;
	struct account me;
	struct sn_txn *txn;
	enum sn_err err;

	if (to <= from)
		return;
	if ((err = loop_read(p->loop, &txn)) == SN_OK &&
	    (err = account_get(txn, account, &me)) == SN_OK &&
	    (err = sn_cursor_open(txn, DB_ROOM_INDEX, &c)) == SN_OK) {
		err = pass_rooms(p, txn, c, &me, from, to);
		sn_cursor_close(c);
	}
	if (err != SN_OK)
		sn_log(SN_WARN, "receipts.failed", "account=%llu error=%s",
		    (unsigned long long)account, sn_err_name(err));
}

static void look_at_session(struct sess *s, struct receipt_post *p)
{
	uint64_t from = s->receipts.from, to = s->receipts.to;

	s->receipts.from = to;
	s->receipts.at = sn_clock_mono();
	look(p, s->account, from, to);
}

/* A session that has gone: it may go where somebody reads or posts, so that
 * it is looked at when the turn ends. */
struct receipt_left {
	struct receipt_left *next;
	uint64_t account, from, to;
};

static void leave(struct sess *s)
{
	struct receipt_left *l = malloc(sizeof(*l));

	/* Without memory its last receipts are asked for, not told. */
	if (l == NULL)
		return;
	*l = (struct receipt_left){ s->loop->receipts_left, s->account,
		s->receipts.from, s->receipts.to };
	s->loop->receipts_left = l;
	settle_soon(s->loop);
}

static void look_at_left(struct loop *loop, struct receipt_post *p)
{
	struct receipt_left *l = loop->receipts_left, *next;

	loop->receipts_left = NULL;
	for (; l != NULL; l = next) {
		next = l->next;
		if (settle_reached(loop, l->to)) {
			look(p, l->account, l->from, l->to);
			free(l);
			continue;
		}
		l->next = loop->receipts_left;
		loop->receipts_left = l;
	}
}

void receipt_delivered_synced(struct sess *s, uint64_t cursor)
{
	s->receipts.from = s->receipts.to = cursor;
}

void receipt_delivered_acked(struct sess *s, uint64_t seq)
{
	struct sess_receipts *r = &s->receipts;
	struct sess **list;

	if (seq <= r->to)
		return;
	r->to = seq;
	if (r->due)
		return;
	list = sn_clock_mono() - r->at >= AGAIN_NS ? &s->loop->receipts_now
						   : &s->loop->receipts_later;
	r->due = true;
	r->next = *list;
	*list = s;
}

static void unlist(struct sess **at, const struct sess *s)
{
	while (*at != NULL && *at != s)
		at = &(*at)->receipts.next;
	if (*at == s)
		*at = s->receipts.next;
}

/* Those whose last message is not in the tables yet come again. */
static void look_at_all(struct sess **list, struct receipt_post *p)
{
	struct sess *s = *list, *next;

	*list = NULL;
	for (; s != NULL; s = next) {
		next = s->receipts.next;
		if (settle_reached(p->loop, s->receipts.to)) {
			s->receipts.due = false;
			look_at_session(s, p);
			continue;
		}
		s->receipts.next = p->loop->receipts_now;
		p->loop->receipts_now = s;
	}
}

static void look_at_due(struct loop *loop, struct sess **list)
{
	struct receipt_post p = { .loop = loop };

	if (loop->stopping)
		return;
	look_at_all(list, &p);
	look_at_left(loop, &p);
	receipt_post_send(&p);
	if (loop->receipts_now != NULL || loop->receipts_left != NULL)
		settle_soon(loop);
}

void receipt_delivered_stop(struct sess *s)
{
	if (!s->receipts.due)
		return;
	s->receipts.due = false;
	unlist(&s->loop->receipts_now, s);
	unlist(&s->loop->receipts_later, s);
	/* A loop that stops has nobody left to tell. */
	if (!s->loop->stopping)
		leave(s);
}

void receipt_delivered_turn(struct loop *loop)
{
	if (loop->receipts_now != NULL || loop->receipts_left != NULL)
		look_at_due(loop, &loop->receipts_now);
}

void receipt_delivered_tick(struct loop *loop)
{
	look_at_due(loop, &loop->receipts_later);
}

void receipt_delivered_free(struct loop *loop)
{
	struct receipt_left *next;

	for (struct receipt_left *l = loop->receipts_left; l != NULL;
	     l = next) {
		next = l->next;
		free(l);
	}
	loop->receipts_left = NULL;
}
