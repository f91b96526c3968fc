#include "server/net/room_list.h"

#include <stdlib.h>
#include <string.h>

#include "server/net/dispatch.h"
#include "server/net/loop.h"
#include "server/oplog/db.h"
#include "server/oplog/room.h"

#define ROOMS_A_TURN 256 /* Looked at, whether they are shown or not. */

/* All names, in their order, over as many turns as it takes. */
struct room_list {
	uint64_t ref, count;
	size_t len; /* 0: it has not begun. */
	uint8_t last[SN_NAME_ROOM_MAX];
};

static void put_room(
    struct sess *s, uint64_t ref, const struct room *room, bool joined)
{
	struct sn_frame_room f = {
		.ref = ref,
		.room = sn_bytes_of(room->name),
		.topic = sn_bytes_of(room->topic),
		.open = room->open,
		.members = room->members,
		.joined = joined,
		.history = room->history,
	};
	struct sn_wr w = sess_put(s, 512);

	sn_frame_put_room(&w, &f);
	sess_put_end(s, &w);
}

/* One room, when this account may see it. */
static enum sn_err show(
    struct sess *s, struct sn_txn *txn, struct sn_bytes name)
{
	struct room_list *l = s->room_list;
	struct room_member member;
	struct room room;
	enum sn_err is, err;

	if (name.n > sizeof(l->last))
		return (SN_ECORRUPT);
	if ((err = room_find(txn, name, &room)) != SN_OK)
		return (err);
	is = room_member(txn, room.id, s->account, &member);
	if (is != SN_OK && is != SN_ENOTFOUND)
		return (is);
	memcpy(l->last, name.p, name.n);
	l->len = name.n;
	if (is == SN_ENOTFOUND && !room.open)
		return (SN_OK);
	put_room(s, l->ref, &room, is == SN_OK);
	l->count++;
	return (SN_OK);
}

/* The first name behind those that were looked at. */
static enum sn_err go_on(
    const struct room_list *l, struct sn_cursor *c, struct sn_bytes *name)
{
	struct sn_bytes last = { l->last, l->len }, value;
	enum sn_err err;

	if (l->len == 0)
		return (sn_cursor_first(c, name, &value));
	err = sn_cursor_seek(c, last, name, &value);
	if (err == SN_OK && sn_bytes_equal(*name, last))
		err = sn_cursor_next(c, name, &value);
	return (err);
}

/* A turn's share; SN_ENOTFOUND when no name is left. */
static enum sn_err look(struct sess *s, struct sn_txn *txn)
{
	struct sn_bytes name, value;
	struct sn_cursor *c;
	enum sn_err err;

	if ((err = sn_cursor_open(txn, DB_ROOM_NAMES, &c)) != SN_OK)
		return (err);
	err = go_on(s->room_list, c, &name);
	for (unsigned n = 0; err == SN_OK && n < ROOMS_A_TURN; n++) {
		if (!sess_room(s) || (err = show(s, txn, name)) != SN_OK)
			break;
		err = sn_cursor_next(c, &name, &value);
	}
	sn_cursor_close(c);
	return (err);
}

static void put_end(struct sess *s)
{
	struct sn_frame_end f = {
		.ref = s->room_list->ref,
		.count = s->room_list->count,
	};
	struct sn_wr w = sess_put(s, 32);

	sn_frame_put_end(&w, &f);
	sess_put_end(s, &w);
}

void room_list_feed(struct sess *s)
{
	struct sn_txn *txn;
	enum sn_err err;

	if (s->room_list == NULL || !sess_room(s))
		return; /* sess_flush calls again. */
	if ((err = loop_read(s->loop, &txn)) == SN_OK)
		err = look(s, txn);
	if (s->state == SESS_CLOSED)
		return;
	if (err == SN_ENOTFOUND)
		put_end(s);
	else if (err != SN_OK)
		sess_error_of(s, s->room_list->ref, err);
	if (err != SN_OK)
		room_list_stop(s);
	/* There is more, or frames behind the request have waited. */
	if (err != SN_OK || sess_room(s))
		sess_again(s);
}

void room_list_stop(struct sess *s)
{
	free(s->room_list);
	s->room_list = NULL;
}

void room_list_on_list(struct sess *s, const struct sn_frame *frame)
{
	struct sn_frame_room_list f;

	if (!sn_frame_get_room_list(frame, &f)) {
		dispatch_bad(s, frame, "ROOM_LIST needs a ref");
		return;
	}
	if ((s->room_list = calloc(1, sizeof(*s->room_list))) == NULL) {
		sess_error_of(s, f.ref, SN_ENOMEM);
		return;
	}
	s->room_list->ref = f.ref;
	sess_again(s);
}
