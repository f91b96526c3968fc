#include "server/oplog/apply_room.h"

#include <string.h>

#include "server/oplog/db.h"

static void copy_text(char *out, struct sn_bytes text)
{
	memcpy(out, text.p, text.n);
	out[text.n] = '\0';
}

enum sn_err apply_room_create(
    struct sn_txn *txn, const struct op *op, uint64_t seq, struct applied *out)
{
	const struct op_room_create *c = &op->room_create;
	struct room_member owner = { .role = ROOM_OWNER, .joined = seq };
	struct room room = { .kind = ROOM_NAMED, .open = c->open };
	uint64_t count, last;
	enum sn_err err;

	if (!sn_name_room(c->name) || c->topic.n > ROOM_TOPIC_MAX)
		return (SN_EINVAL);
	err = db_get_u64(txn, DB_ROOM_NAMES, c->name, &last);
	if (err == SN_OK)
		return (SN_EEXISTS);
	if (err != SN_ENOTFOUND)
		return (err);
	if ((err = sn_txn_count(txn, DB_ROOM_NAMES, &count)) != SN_OK ||
	    (err = db_meta(txn, DB_META_LAST_ROOM, &last)) != SN_OK)
		return (err);
	if (count >= c->limit)
		return (SN_ELIMIT);

	room.id = last + 1;
	room.created = op->time;
	room.members = 1;
	copy_text(room.name, c->name);
	copy_text(room.topic, c->topic);
	if ((err = db_meta_set(txn, DB_META_LAST_ROOM, room.id)) != SN_OK ||
	    (err = room_put(txn, &room)) != SN_OK ||
	    (err = db_put_u64(txn, DB_ROOM_NAMES, c->name, room.id)) != SN_OK)
		return (err);
	out->what = APPLIED_JOINED;
	out->room = room.id;
	out->account = c->creator;
	return (room_put_member(txn, room.id, c->creator, &owner));
}

/* Whether ${m->by} may do that to ${m->account}, as the rows stand. */
static enum sn_err check_member(
    struct sn_txn *txn, const struct op_room_member *m, const struct room *room)
{
	struct room_member by = { 0 }, account = { 0 };
	enum sn_err is_by, is_account;

	is_by = room_member(txn, room->id, m->by, &by);
	is_account = room_member(txn, room->id, m->account, &account);
	if (is_by != SN_OK && is_by != SN_ENOTFOUND)
		return (is_by);
	if (is_account != SN_OK && is_account != SN_ENOTFOUND)
		return (is_account);
	/* A closed room does not exist for those who are not in it. */
	if (is_by == SN_ENOTFOUND && !(m->change == OP_JOIN && room->open))
		return (SN_ENOTFOUND);
	switch (m->change) {
	case OP_JOIN:
	case OP_INVITE:
		if (is_account == SN_OK)
			return (SN_EEXISTS);
		return (room->members >= m->limit ? SN_ELIMIT : SN_OK);
	case OP_LEAVE:
		return (SN_OK);
	case OP_REMOVE:
		if (by.role != ROOM_OWNER)
			return (SN_EDENIED);
		return (is_account);
	}
	return (SN_EINVAL);
}

enum sn_err apply_room_member(
    struct sn_txn *txn, const struct op *op, uint64_t seq, struct applied *out)
{
	const struct op_room_member *m = &op->room_member;
	struct room_member member = { .role = ROOM_MEMBER, .joined = seq };
	bool enters = m->change == OP_JOIN || m->change == OP_INVITE;
	struct account account;
	struct room room;
	enum sn_err err;

	if ((err = room_get(txn, m->room, &room)) != SN_OK)
		return (err);
	if (room.kind != ROOM_NAMED)
		return (SN_ENOTFOUND);
	if ((err = check_member(txn, m, &room)) != SN_OK)
		return (err);
	if ((err = account_get(txn, m->account, &account)) != SN_OK)
		return (err);
	if (enters && account.state != ACCOUNT_ACTIVE)
		return (SN_ENOTFOUND);

	room.members += enters ? 1 : (uint64_t)-1;
	if ((err = room_put(txn, &room)) != SN_OK)
		return (err);
	out->what = enters ? APPLIED_JOINED : APPLIED_LEFT;
	out->room = room.id;
	out->account = m->account;
	if (!enters)
		return (
		    apply_must(room_delete_member(txn, room.id, m->account)));
	return (room_put_member(txn, room.id, m->account, &member));
}

enum sn_err apply_room_topic(struct sn_txn *txn, const struct op *op)
{
	const struct op_room_topic *t = &op->room_topic;
	struct room_member by;
	struct room room;
	enum sn_err err;

	if ((err = room_get(txn, t->room, &room)) != SN_OK ||
	    (err = room_member(txn, t->room, t->by, &by)) != SN_OK)
		return (err);
	if (room.kind != ROOM_NAMED || t->topic.n > ROOM_TOPIC_MAX)
		return (SN_EINVAL);
	if (by.role != ROOM_OWNER)
		return (SN_EDENIED);
	copy_text(room.topic, t->topic);
	return (room_put(txn, &room));
}
