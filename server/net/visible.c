#include "server/net/visible.h"

#include <stdlib.h>

#include "server/net/conversation.h"
#include "server/oplog/db_walk.h"

#define ROOMS_MOST 256 /* Of an account, looked at for its viewers. */

/* Whether the two have a room in common: SN_OK, or SN_ENOTFOUND. */
static enum sn_err share_room(struct sn_txn *txn, uint64_t a, uint64_t b)
{
	enum sn_err err = SN_ENOTFOUND;
	struct room_member member;
	struct db_walk walk;
	uint64_t room;

	db_walk_open(&walk, txn, DB_ACCOUNT_ROOMS, a, 0);
	while (err == SN_ENOTFOUND && db_walk_next(&walk, &room))
		err = room_member(txn, room, b, &member);
	return (db_walk_close(&walk, err));
}

enum sn_err visible_account(struct sn_txn *txn, uint64_t viewer,
    struct sn_bytes name, enum visible_to to, struct account *out)
{
	uint64_t room;
	enum sn_err err;

	if (!sn_name_account(name))
		return (SN_ENOTFOUND);
	if ((err = account_find(txn, name, out)) != SN_OK)
		return (err);
	if (out->id == viewer || to == VISIBLE_ALL)
		return (SN_OK);
	if (to == VISIBLE_SELF)
		return (SN_ENOTFOUND);
	err = room_direct(txn, viewer, out->id, &room);
	return (err == SN_ENOTFOUND ? share_room(txn, viewer, out->id) : err);
}

static bool add(struct viewers *v, uint64_t id)
{
	if (v->count < VIEWERS_MOST)
		v->ids[v->count++] = id;
	return (v->count < VIEWERS_MOST);
}

static enum sn_err add_members(
    struct sn_txn *txn, uint64_t room, struct viewers *v)
{
	struct db_walk walk;
	uint64_t id;

	db_walk_open(&walk, txn, DB_MEMBERS, room, 0);
	while (db_walk_next(&walk, &id) && add(v, id))
		;
	return (db_walk_close(&walk, SN_OK));
}

static int by_id(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x < *y ? -1 : *x > *y);
}

static void unique(struct viewers *v)
{
	size_t n = 0;

	qsort(v->ids, v->count, sizeof(*v->ids), by_id);
	for (size_t i = 0; i < v->count; i++) {
		if (n == 0 || v->ids[n - 1] != v->ids[i])
			v->ids[n++] = v->ids[i];
	}
	v->count = n;
}

static enum sn_err add_room(struct sn_txn *txn, uint64_t account, uint64_t id,
    uint64_t small, struct viewers *v)
{
	struct room room;
	enum sn_err err;

	if ((err = room_get(txn, id, &room)) != SN_OK)
		return (err);
	if (room.kind == ROOM_DIRECT)
		(void)add(v, conversation_other(&room, account));
	else if (room.members <= small)
		err = add_members(txn, id, v);
	/* They repeat: make room for others. */
	if (v->count == VIEWERS_MOST)
		unique(v);
	return (err);
}

enum sn_err visible_viewers(struct sn_txn *txn, uint64_t account,
    enum visible_to to, uint64_t small, struct viewers *out)
{
	enum sn_err err = SN_OK;
	struct db_walk walk;
	uint64_t room;

	out->count = 0;
	(void)add(out, account);
	if (to == VISIBLE_SELF)
		return (SN_OK);
	db_walk_open(&walk, txn, DB_ACCOUNT_ROOMS, account, 0);
	for (unsigned n = 0;
	     err == SN_OK && n < ROOMS_MOST && db_walk_next(&walk, &room); n++)
		err = add_room(txn, account, room, small, out);
	unique(out);
	return (db_walk_close(&walk, err));
}
