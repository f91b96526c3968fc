#include "server/net/receipts.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "server/net/conversation.h"
#include "server/net/cursors.h"
#include "server/net/dispatch.h"
#include "server/net/followers.h"
#include "server/net/net_impl.h"
#include "server/oplog/account.h"
#include "server/oplog/db.h"
#include "server/oplog/device.h"
#include "server/oplog/message.h"

#define AGAIN_NS SN_NS_PER_S /* Between two looks at one session. */
#define LOOK_MOST 256        /* Messages of a room that one look takes in. */
#define SENDERS_MOST 256     /* As limits.small_room's range. */
#define READS_LATER 1024     /* Marks that wait for the loop's second. */
#define FRAME_MOST 208
#define POST_MOST 64

struct read_later {
	struct read_later *next;
	uint64_t room, account;
};

/* One RECEIPT, and whose sessions get it: an account's, or a room's. */
struct told {
	uint64_t account, room; /* One of the two is 0. */
	size_t n;
	uint8_t frame[FRAME_MOST];
};

/* What a turn has to tell, until it is posted to every loop. */
struct post {
	struct loop *loop;
	unsigned count;
	struct told told[POST_MOST];
};

struct receipt_mail {
	struct mail mail;
	unsigned count;
	struct told told[];
};

static void hear(struct sess *s, void *arg)
{
	const struct told *t = arg;

	if ((s->features & SN_FEATURE_RECEIPTS) && s->state == SESS_READY &&
	    sess_room(s))
		sess_put_bytes(s, (struct sn_bytes){ t->frame, t->n });
}

static void run_mail(void *owner, struct mail *mail)
{
	struct receipt_mail *m = (struct receipt_mail *)mail;
	struct loop *loop = owner;

	for (unsigned i = 0; i < m->count; i++) {
		struct told *t = &m->told[i];

		if (t->account != 0)
			followers_of_account(loop, t->account, hear, t);
		else
			followers_of_room(loop, t->room, hear, t);
	}
	free(m);
}

/* To every loop.  What there is no memory for is dropped: RECEIPTS asks. */
static void post_send(struct post *p)
{
	struct net *net = p->loop->net;

	for (unsigned i = 0; i < net->loop_count && p->count > 0; i++) {
		struct receipt_mail *m =
		    malloc(sizeof(*m) + p->count * sizeof(*m->told));

		if (m == NULL)
			break;
		m->mail.run = run_mail;
		m->count = p->count;
		memcpy(m->told, p->told, p->count * sizeof(*m->told));
		mailbox_post(net->loops[i]->mailbox, &m->mail);
	}
	p->count = 0;
}

static void tell(struct post *p, uint64_t account, uint64_t room,
    const struct sn_frame_receipt *f)
{
	struct told *t = &p->told[p->count];
	struct sn_wr w = sn_wr_over(t->frame, sizeof(t->frame));

	sn_frame_put_receipt(&w, f);
	if (w.bad)
		return;
	t->account = account;
	t->room = room;
	t->n = w.n;
	if (++p->count == POST_MOST)
		post_send(p);
}

/* Delivered. */

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

/* The last message of ${room} at or below ${seq}; SN_ENOTFOUND. */
static enum sn_err last_of(
    struct sn_cursor *c, uint64_t room, uint64_t seq, uint64_t *out)
{
	struct db_key above = db_key2(room, seq + 1);
	struct sn_bytes key, value;
	struct sn_rd r;
	enum sn_err err;

	err = sn_cursor_seek(c, db_bytes(&above), &key, &value);
	if (err == SN_OK)
		err = sn_cursor_prev(c, &key, &value);
	else if (err == SN_ENOTFOUND)
		err = sn_cursor_last(c, &key, &value);
	if (err != SN_OK)
		return (err);
	r = sn_rd_over(key.p, key.n);
	if (sn_rd_u64(&r) != room)
		return (SN_ENOTFOUND);
	*out = sn_rd_u64(&r);
	return (SN_OK);
}

/* Tell those who sent something above ${from} that ${me} has got it; ${seq}
 * is the room's last message that it has. */
static enum sn_err look_at(struct post *p, struct sn_txn *txn,
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
	struct message m;
	enum sn_err err = SN_OK;

	for (unsigned n = 0; n < LOOK_MOST && known.count < known.most &&
			     err == SN_OK && seq > from;
	     n++) {
		err = message_get(txn, seq, &m);
		if (err == SN_OK && m.sender != me->id &&
		    is_new(&known, m.sender)) {
			f.seq = seq;
			tell(p, m.sender, 0, &f);
		}
		/* One that retention took, or that is damaged: the next. */
		if (err == SN_OK || sn_err_class(err) == SN_C_REQUEST ||
		    err == SN_ECORRUPT)
			err = last_of(c, room->id, seq - 1, &seq);
	}
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

/* One room of an account whose cursor went from ${from} to ${to}. */
static enum sn_err pass_room(struct post *p, struct sn_txn *txn,
    struct sn_cursor *c, const struct account *me, uint64_t id, uint64_t from,
    uint64_t to)
{
	struct room room;
	uint64_t seq;
	enum sn_err err;

	err = last_of(c, id, to, &seq);
	if (err == SN_ENOTFOUND || (err == SN_OK && seq <= from))
		return (SN_OK);
	if (err != SN_OK || (err = room_get(txn, id, &room)) != SN_OK)
		return (err);
	if (room.members < 2 ||
	    room.members > p->loop->settings->limits.small_room)
		return (SN_OK);
	return (look_at(p, txn, c, &room, me, from, seq));
}

static enum sn_err pass_rooms(struct post *p, struct sn_txn *txn,
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

/* All that the session has acknowledged since it was looked at last. */
static void look(struct sess *s, struct post *p)
{
	uint64_t from = s->receipts.from, to = s->receipts.to;
	struct sn_cursor *c;
	struct account me;
	struct sn_txn *txn;
	enum sn_err err;

	s->receipts.from = to;
	s->receipts.at = sn_clock_mono();
	if (to <= from)
		return;
	if ((err = loop_read(s->loop, &txn)) == SN_OK &&
	    (err = account_get(txn, s->account, &me)) == SN_OK &&
	    (err = sn_cursor_open(txn, DB_ROOM_INDEX, &c)) == SN_OK) {
		err = pass_rooms(p, txn, c, &me, from, to);
		sn_cursor_close(c);
	}
	if (err != SN_OK)
		sn_log(SN_WARN, "receipts.failed", "sess=%llu error=%s",
		    (unsigned long long)s->id, sn_err_name(err));
}

void receipts_synced(struct sess *s, uint64_t cursor)
{
	s->receipts.from = s->receipts.to = cursor;
}

void receipts_acked(struct sess *s, uint64_t seq)
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

static void look_at_all(struct sess **list, struct post *p)
{
	struct sess *s = *list, *next;

	*list = NULL;
	for (; s != NULL; s = next) {
		next = s->receipts.next;
		s->receipts.due = false;
		look(s, p);
	}
}

void receipts_stop(struct sess *s)
{
	struct post p = { .loop = s->loop };

	if (!s->receipts.due)
		return;
	s->receipts.due = false;
	unlist(&s->loop->receipts_now, s);
	unlist(&s->loop->receipts_later, s);
	/* A loop that stops has nobody left to tell. */
	if (s->loop->stopping)
		return;
	look(s, &p);
	post_send(&p);
}

void receipts_turn(struct loop *loop)
{
	struct post p = { .loop = loop };

	if (loop->stopping)
		return;
	look_at_all(&loop->receipts_now, &p);
	post_send(&p);
}

/* Read. */

/* How far ${account} has read the room, to those who are in it; in a
 * conversation of two each knows it by the other's name. */
static enum sn_err tell_read(
    struct post *p, struct sn_txn *txn, uint64_t id, uint64_t account)
{
	struct sn_frame_receipt f = { .kind = sn_bytes_of("read") };
	struct account me, other;
	uint64_t other_id;
	struct room room;
	enum sn_err err;

	if ((err = room_get(txn, id, &room)) != SN_OK ||
	    (err = account_get(txn, account, &me)) != SN_OK ||
	    (err = reads_get(p->loop->net->reads, txn, id, account, &f.seq)) !=
		SN_OK)
		return (err);
	f.account = sn_bytes_of(me.name);
	f.with = sn_bytes_of(room.name);
	if (room.kind == ROOM_NAMED)
		tell(p, 0, id, &f);
	if (room.kind != ROOM_DIRECT)
		return (SN_OK);
	other_id = conversation_other(&room, account);
	if ((err = account_get(txn, other_id, &other)) != SN_OK)
		return (err);
	f.with = sn_bytes_of(other.name);
	tell(p, account, 0, &f);
	f.with = sn_bytes_of(me.name);
	if (other_id != account)
		tell(p, other_id, 0, &f);
	return (SN_OK);
}

static void tell_later(struct loop *loop, uint64_t room, uint64_t account)
{
	struct read_later *l = loop->reads_later;

	while (l != NULL && (l->room != room || l->account != account))
		l = l->next;
	if (l != NULL || loop->reads_waiting >= READS_LATER ||
	    (l = malloc(sizeof(*l))) == NULL)
		return;
	*l = (struct read_later){ loop->reads_later, room, account };
	loop->reads_later = l;
	loop->reads_waiting++;
}

static enum sn_err mark(
    struct sess *s, struct sn_txn *txn, uint64_t room, uint64_t seq)
{
	struct net *net = s->loop->net;
	struct post p = { .loop = s->loop };
	bool moved;
	enum sn_err err;

	/* What nobody has sent yet cannot have been read. */
	if (seq > s->loop->head)
		seq = s->loop->head;
	err = reads_mark(net->reads, txn, room, s->account, seq, &moved);
	if (err != SN_OK || !moved ||
	    atomic_load_explicit(&net->receipts_wanted, memory_order_relaxed) ==
		0)
		return (err);
	if (sn_clock_mono() - s->receipts.read_at < AGAIN_NS) {
		tell_later(s->loop, room, s->account);
		return (SN_OK);
	}
	s->receipts.read_at = sn_clock_mono();
	err = tell_read(&p, txn, room, s->account);
	post_send(&p);
	return (err);
}

void receipts_on_read(struct sess *s, const struct sn_frame *frame)
{
	struct conversation c;
	struct sn_frame_read f;
	struct sn_txn *txn;
	enum sn_err err;

	if (!sn_frame_get_read(frame, &f)) {
		sess_error(
		    s, NULL, "bad-frame", "READ needs ref, target, sequence");
		return;
	}
	if ((err = loop_read(s->loop, &txn)) == SN_OK)
		err = conversation_find(txn, s->account, f.with, &c);
	if (err == SN_OK && c.room.id != 0 &&
	    c.room.members <= s->loop->settings->limits.small_room)
		err = mark(s, txn, c.room.id, f.seq);
	if (err != SN_OK)
		sess_error_of(s, f.ref, err);
}

void receipts_tick(struct loop *loop)
{
	struct post p = { .loop = loop };
	struct read_later *l = loop->reads_later, *next;
	struct sn_txn *txn;
	enum sn_err err;

	if (loop->stopping)
		return;
	look_at_all(&loop->receipts_later, &p);
	loop->reads_later = NULL;
	loop->reads_waiting = 0;
	for (; l != NULL; l = next) {
		next = l->next;
		if ((err = loop_read(loop, &txn)) != SN_OK ||
		    (err = tell_read(&p, txn, l->room, l->account)) != SN_OK)
			sn_log(SN_WARN, "receipts.failed", "room=%llu error=%s",
			    (unsigned long long)l->room, sn_err_name(err));
		free(l);
	}
	post_send(&p);
}

void receipts_free(struct loop *loop)
{
	struct read_later *next;

	for (struct read_later *l = loop->reads_later; l != NULL; l = next) {
		next = l->next;
		free(l);
	}
	loop->reads_later = NULL;
}

/* Asked for. */

/* Up to where one member has got the room's messages. */
struct reach {
	struct sn_cursor *index;
	uint64_t room, joined;
	uint64_t seq; /* 0: nothing. */
	enum sn_err err;
};

static void reach_of_cursor(void *arg, uint64_t seq, uint64_t start)
{
	struct reach *r = arg;
	uint64_t last;
	enum sn_err err = last_of(r->index, r->room, seq, &last);

	if (err == SN_OK && last > start && last >= r->joined && last > r->seq)
		r->seq = last;
	if (err != SN_OK && err != SN_ENOTFOUND)
		r->err = err;
}

static enum sn_err reach_of(
    struct net *net, struct sn_txn *txn, uint64_t account, struct reach *r)
{
	struct device d = { .account = account };
	bool found;
	enum sn_err err;

	for (;;) {
		err = device_next(txn, account, &d, &found);
		if (err == SN_OK && found)
			err = cursors_each(net->cursors, txn, d.fingerprint,
			    reach_of_cursor, r);
		if (err != SN_OK || !found)
			return (err != SN_OK ? err : r->err);
	}
}

static void put(
    struct sess *s, const struct sn_frame_receipt *f, uint64_t *count)
{
	struct sn_wr w;

	if (f->seq == 0)
		return;
	w = sess_put(s, FRAME_MOST);
	sn_frame_put_receipt(&w, f);
	sess_put_end(s, &w);
	++*count;
}

/* Both receipts of one member; of oneself what was read. */
static enum sn_err put_member(struct sess *s, struct sn_txn *txn,
    struct sn_cursor *index, const struct conversation *c,
    struct sn_frame_receipt *f, uint64_t id, uint64_t *count)
{
	struct reach reach = { .index = index, .room = c->room.id };
	struct room_member member;
	struct account account;
	enum sn_err err;

	if ((err = account_get(txn, id, &account)) != SN_OK ||
	    (err = room_member(txn, c->room.id, id, &member)) != SN_OK)
		return (err);
	f->account = sn_bytes_of(account.name);
	reach.joined = member.joined;
	if (id != s->account) {
		err = reach_of(s->loop->net, txn, id, &reach);
		f->kind = sn_bytes_of("delivered");
		f->seq = reach.seq;
		put(s, f, count);
	}
	if (err != SN_OK)
		return (err);
	f->kind = sn_bytes_of("read");
	err = reads_get(s->loop->net->reads, txn, c->room.id, id, &f->seq);
	if (err == SN_OK)
		put(s, f, count);
	return (err);
}

static enum sn_err put_members(struct sess *s, struct sn_txn *txn,
    const struct conversation *c, struct sn_frame_receipt *f, uint64_t *count)
{
	struct db_key from = db_key1(c->room.id);
	struct sn_cursor *members, *index;
	struct sn_bytes key, value;
	enum sn_err err;

	if ((err = sn_cursor_open(txn, DB_MEMBERS, &members)) != SN_OK)
		goto err0;
	if ((err = sn_cursor_open(txn, DB_ROOM_INDEX, &index)) != SN_OK)
		goto err1;
	err = sn_cursor_seek(members, db_bytes(&from), &key, &value);
	while (err == SN_OK) {
		struct sn_rd r = sn_rd_over(key.p, key.n);

		if (sn_rd_u64(&r) != c->room.id)
			break;
		err = put_member(s, txn, index, c, f, sn_rd_u64(&r), count);
		if (err == SN_OK)
			err = sn_cursor_next(members, &key, &value);
	}
	if (err == SN_ENOTFOUND)
		err = SN_OK;
	sn_cursor_close(index);
err1:
	sn_cursor_close(members);
err0:
	return (err);
}

void receipts_on_receipts(struct sess *s, const struct sn_frame *frame)
{
	struct sn_frame_receipt one;
	struct sn_frame_end end = { .count = 0 };
	struct sn_frame_receipts f;
	struct conversation c;
	struct sn_txn *txn;
	struct sn_wr w;
	enum sn_err err;

	if (!sn_frame_get_receipts(frame, &f)) {
		sess_error(
		    s, NULL, "bad-frame", "RECEIPTS needs ref and target");
		return;
	}
	one =
	    (struct sn_frame_receipt){ .ref = { true, f.ref }, .with = f.with };
	if ((err = loop_read(s->loop, &txn)) == SN_OK)
		err = conversation_find(txn, s->account, f.with, &c);
	if (err == SN_OK && c.room.id != 0) {
		if (c.room.members > s->loop->settings->limits.small_room)
			err = SN_ELIMIT;
		else
			err = put_members(s, txn, &c, &one, &end.count);
	}
	if (err != SN_OK) {
		sess_error_of(s, f.ref, err);
		return;
	}
	end.ref = f.ref;
	w = sess_put(s, 32);
	sn_frame_put_end(&w, &end);
	sess_put_end(s, &w);
}
