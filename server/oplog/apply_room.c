#include "server/oplog/apply_room.h"

#include <string.h>

#include "server/oplog/db.h"

static void copy_text(char *out, struct sn_bytes text)
{
	memcpy(out, text.p, text.n);
	out[text.n] = '\0';
}

/* SN_ELIMIT when the account is in ${limit} named rooms. */
static enum sn_err check_rooms(
    struct sn_txn *txn, uint64_t account, uint64_t limit, struct applied *out)
{
	struct db_key from = db_key1(account);
	struct sn_bytes key, value;
	struct sn_cursor *c;
	struct room room;
	uint64_t have = 0;
	enum sn_err err;

	if ((err = sn_cursor_open(txn, DB_ACCOUNT_ROOMS, &c)) != SN_OK)
		return (err);
	err = sn_cursor_seek(c, db_bytes(&from), &key, &value);
	while (err == SN_OK && have < limit) {
		struct sn_rd r = sn_rd_over(key.p, key.n);

		if (sn_rd_u64(&r) != account)
			break;
		if ((err = apply_must(room_get(txn, sn_rd_u64(&r), &room))) !=
		    SN_OK)
			break;
		have += room.kind == ROOM_NAMED;
		err = sn_cursor_next(c, &key, &value);
	}
	sn_cursor_close(c);
	if (err != SN_OK && err != SN_ENOTFOUND)
		return (err);
	if (have < limit)
		return (SN_OK);
	out->full = APPLIED_FULL_ACCOUNT_ROOMS;
	return (SN_ELIMIT);
}

/* It may have been closed since the frame was read. */
static enum sn_err check_active(struct sn_txn *txn, uint64_t account)
{
	struct account a;
	enum sn_err err;

	if ((err = account_get(txn, account, &a)) != SN_OK)
		return (err);
	return (a.state == ACCOUNT_ACTIVE ? SN_OK : SN_EDENIED);
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
	if ((err = check_active(txn, c->creator)) != SN_OK)
		return (err);
	err = db_get_u64(txn, DB_ROOM_NAMES, c->name, &last);
	if (err == SN_OK)
		return (SN_EEXISTS);
	if (err != SN_ENOTFOUND)
		return (err);
	if ((err = sn_txn_count(txn, DB_ROOM_NAMES, &count)) != SN_OK ||
	    (err = db_meta(txn, DB_META_LAST_ROOM, &last)) != SN_OK)
		return (err);
	if (count >= c->limit) {
		out->full = APPLIED_FULL_ROOMS;
		return (SN_ELIMIT);
	}
	if ((err = check_rooms(txn, c->creator, c->account_limit, out)) !=
	    SN_OK)
		return (err);

	room.id = last + 1;
	room.created = op->time;
	room.members = 1;
	room.history = c->history;
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

/*
 * Who owns the room once ${goes} does: *${heir} is the member of longest
 * standing, or 0 when another owner is left or nobody is.
 */
static enum sn_err find_heir(
    struct sn_txn *txn, uint64_t room, uint64_t goes, uint64_t *heir)
{
	struct db_key from = db_key1(room);
	struct room_member member = { 0 };
	struct sn_bytes key, value;
	uint64_t oldest = UINT64_MAX;
	struct sn_cursor *c;
	enum sn_err err;

	*heir = 0;
	if ((err = sn_cursor_open(txn, DB_MEMBERS, &c)) != SN_OK)
		return (err);
	err = sn_cursor_seek(c, db_bytes(&from), &key, &value);
	while (err == SN_OK) {
		struct sn_rd r = sn_rd_over(key.p, key.n);
		uint64_t account;

		if (sn_rd_u64(&r) != room)
			break;
		account = sn_rd_u64(&r);
		if ((err = room_member_read(value, &member)) != SN_OK)
			break;
		if (account != goes && member.role == ROOM_OWNER) {
			*heir = 0;
			break;
		}
		if (account != goes && member.joined < oldest) {
			oldest = member.joined;
			*heir = account;
		}
		err = sn_cursor_next(c, &key, &value);
	}
	sn_cursor_close(c);
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

/* Without a member a room could never be entered again, or by anyone. */
static enum sn_err delete_room(struct sn_txn *txn, struct room *room)
{
	struct db_key from = db_key1(room->id);
	struct sn_bytes key, value;
	struct sn_cursor *c;
	enum sn_err err;

	room->kind = ROOM_DELETED;
	room->members = 0;
	if ((err = room_put(txn, room)) != SN_OK ||
	    (err = sn_txn_delete(
		 txn, DB_ROOM_NAMES, sn_bytes_of(room->name))) != SN_OK)
		return (apply_must(err));
	if ((err = sn_cursor_open(txn, DB_MEMBERS, &c)) != SN_OK)
		return (err);
	err = sn_cursor_seek(c, db_bytes(&from), &key, &value);
	while (err == SN_OK) {
		struct sn_rd r = sn_rd_over(key.p, key.n);
		struct db_key back;

		if (sn_rd_u64(&r) != room->id)
			break;
		back = db_key2(sn_rd_u64(&r), room->id);
		if ((err = apply_must(sn_txn_delete(
			 txn, DB_ACCOUNT_ROOMS, db_bytes(&back)))) != SN_OK ||
		    (err = sn_cursor_delete(c)) != SN_OK)
			break;
		err = sn_cursor_next(c, &key, &value);
	}
	sn_cursor_close(c);
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

/* ${account}, who is a member with ${role}, goes. */
static enum sn_err take_out(struct sn_txn *txn, struct room *room,
    uint64_t account, enum room_role role, struct applied *out)
{
	struct room_member member;
	uint64_t heir = 0;
	enum sn_err err;

	if (role == ROOM_OWNER &&
	    (err = find_heir(txn, room->id, account, &heir)) != SN_OK)
		return (err);
	if (heir != 0 &&
	    (err = room_member(txn, room->id, heir, &member)) != SN_OK)
		return (err);

	out->what = APPLIED_LEFT;
	out->room = room->id;
	out->account = account;
	out->other = heir;
	if (--room->members == 0) {
		out->what = APPLIED_DELETED;
		return (delete_room(txn, room));
	}
	if ((err = room_put(txn, room)) != SN_OK)
		return (err);
	if (heir != 0) {
		member.role = ROOM_OWNER;
		if ((err = room_put_member(txn, room->id, heir, &member)) !=
		    SN_OK)
			return (err);
	}
	return (apply_must(room_delete_member(txn, room->id, account)));
}

/* Whether ${m->by} may do that to ${m->account}, as the rows stand; what the
 * latter is to the room comes out in ${account}. */
static enum sn_err check_member(struct sn_txn *txn,
    const struct op_room_member *m, const struct room *room,
    struct room_member *account, struct applied *out)
{
	struct room_member by = { 0 };
	enum sn_err is_by, is_account;

	is_by = room_member(txn, room->id, m->by, &by);
	is_account = room_member(txn, room->id, m->account, account);
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
		if (room->members >= m->limit) {
			out->full = APPLIED_FULL_MEMBERS;
			return (SN_ELIMIT);
		}
		return (check_rooms(txn, m->account, m->account_limit, out));
	case OP_LEAVE:
		return (is_account);
	case OP_REMOVE:
	case OP_APPOINT:
	case OP_DISMISS:
		if (by.role != ROOM_OWNER)
			return (SN_EDENIED);
		return (is_account);
	}
	return (SN_EINVAL);
}

/* A member becomes an owner, or is one no longer. */
static enum sn_err change_role(struct sn_txn *txn,
    const struct op_room_member *m, struct room_member *member,
    struct applied *out)
{
	enum room_role role =
	    m->change == OP_APPOINT ? ROOM_OWNER : ROOM_MEMBER;
	uint64_t heir;
	enum sn_err err;

	if (member->role == role)
		return (SN_EEXISTS);
	if (role == ROOM_MEMBER) {
		err = find_heir(txn, m->room, m->account, &heir);
		if (err != SN_OK)
			return (err);
		/* There is an heir, or nobody else, where it was the last. */
		if (heir != 0)
			return (SN_EDENIED);
	}
	member->role = role;
	out->what = APPLIED_ROOM;
	out->room = m->room;
	out->account = m->account;
	return (room_put_member(txn, m->room, m->account, member));
}

enum sn_err apply_room_member(
    struct sn_txn *txn, const struct op *op, uint64_t seq, struct applied *out)
{
	const struct op_room_member *m = &op->room_member;
	struct room_member fresh = { .role = ROOM_MEMBER, .joined = seq };
	struct room_member member = { 0 };
	struct account account;
	struct room room;
	enum sn_err err;

	if ((err = room_get(txn, m->room, &room)) != SN_OK)
		return (err);
	if (room.kind != ROOM_NAMED)
		return (SN_ENOTFOUND);
	if ((err = check_member(txn, m, &room, &member, out)) != SN_OK)
		return (err);
	/* Going is open to all: who was disabled goes when it is deleted. */
	if (m->change != OP_LEAVE && (err = check_active(txn, m->by)) != SN_OK)
		return (err);
	if ((err = account_get(txn, m->account, &account)) != SN_OK)
		return (err);
	if (m->change == OP_APPOINT || m->change == OP_DISMISS)
		return (change_role(txn, m, &member, out));
	if (m->change == OP_LEAVE || m->change == OP_REMOVE)
		return (take_out(txn, &room, m->account, member.role, out));
	if (account.state != ACCOUNT_ACTIVE)
		return (SN_ENOTFOUND);

	room.members++;
	if ((err = room_put(txn, &room)) != SN_OK)
		return (err);
	out->what = APPLIED_JOINED;
	out->room = room.id;
	out->account = m->account;
	return (room_put_member(txn, room.id, m->account, &fresh));
}

/* A named room for one of its owners. */
static enum sn_err owned(
    struct sn_txn *txn, uint64_t id, uint64_t by, struct room *room)
{
	struct room_member member;
	enum sn_err err;

	if ((err = room_get(txn, id, room)) != SN_OK ||
	    (err = room_member(txn, id, by, &member)) != SN_OK ||
	    (err = check_active(txn, by)) != SN_OK)
		return (err);
	if (room->kind != ROOM_NAMED)
		return (SN_EINVAL);
	return (member.role == ROOM_OWNER ? SN_OK : SN_EDENIED);
}

static enum sn_err changed(
    struct sn_txn *txn, const struct room *room, struct applied *out)
{
	out->what = APPLIED_ROOM;
	out->room = room->id;
	return (room_put(txn, room));
}

enum sn_err apply_room_topic(
    struct sn_txn *txn, const struct op *op, struct applied *out)
{
	const struct op_room_topic *t = &op->room_topic;
	struct room room;
	enum sn_err err;

	if (t->topic.n > ROOM_TOPIC_MAX)
		return (SN_EINVAL);
	if ((err = owned(txn, t->room, t->by, &room)) != SN_OK)
		return (err);
	copy_text(room.topic, t->topic);
	return (changed(txn, &room, out));
}

enum sn_err apply_room_history(
    struct sn_txn *txn, const struct op *op, struct applied *out)
{
	const struct op_room_history *h = &op->room_history;
	struct room room;
	enum sn_err err;

	if ((err = owned(txn, h->room, h->by, &room)) != SN_OK)
		return (err);
	room.history = h->open;
	return (changed(txn, &room, out));
}

enum sn_err apply_room_delete(
    struct sn_txn *txn, const struct op *op, struct applied *out)
{
	const struct op_room_delete *d = &op->room_delete;
	struct room room;
	enum sn_err err;

	if ((err = owned(txn, d->room, d->by, &room)) != SN_OK)
		return (err);
	out->what = APPLIED_DELETED;
	out->room = room.id;
	out->account = d->by;
	return (delete_room(txn, &room));
}

/* One room of an account that is being deleted. */
static enum sn_err bury_in(
    struct sn_txn *txn, const struct account *account, uint64_t id)
{
	struct room_member member;
	struct applied ignored;
	struct room room;
	enum sn_err err;

	if ((err = room_get(txn, id, &room)) != SN_OK ||
	    (err = room_member(txn, id, account->id, &member)) != SN_OK)
		return (err);
	if (room.kind == ROOM_NAMED)
		return (
		    take_out(txn, &room, account->id, member.role, &ignored));
	/* What two have said stays with the other one. */
	return (room_put_former(txn,
	    room.lower == account->id ? room.higher : room.lower,
	    sn_bytes_of(account->name), id));
}

enum sn_err apply_room_bury(struct sn_txn *txn, const struct account *account)
{
	uint64_t id = 0;

	/* Sought anew each time: a room that goes takes its row with it. */
	for (;;) {
		struct db_key from = db_key2(account->id, id + 1);
		struct sn_bytes key, value;
		struct sn_cursor *c;
		struct sn_rd r;
		bool mine;
		enum sn_err err;

		if ((err = sn_cursor_open(txn, DB_ACCOUNT_ROOMS, &c)) != SN_OK)
			return (err);
		err = sn_cursor_seek(c, db_bytes(&from), &key, &value);
		if (err != SN_OK) {
			sn_cursor_close(c);
			return (err == SN_ENOTFOUND ? SN_OK : err);
		}
		r = sn_rd_over(key.p, key.n);
		mine = sn_rd_u64(&r) == account->id;
		id = sn_rd_u64(&r);
		sn_cursor_close(c);
		if (!mine)
			return (SN_OK);
		if ((err = bury_in(txn, account, id)) != SN_OK)
			return (err);
	}
}
