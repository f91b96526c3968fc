#include "server/oplog/db_carry_impl.h"

#include <stdio.h>

#include "server/oplog/db_walk.h"

/*
 * Who left a room or was removed from it is no member, a deleted room is
 * deleted, and its owners are those of the later database as far as they are
 * in it.  First the roles, so that those who own it stay its owners when
 * others go; then the members, the owners last, so that no heir is looked for
 * where one is left.
 */
struct pair {
	struct room then, was;
	bool gone; /* The room itself was deleted. */
};

/* The member behind ${account}; SN_ENOTFOUND. */
static enum sn_err next_member(
    struct carry *w, uint64_t room, uint64_t *account, struct room_member *m)
{
	struct db_walk walk;
	bool found;
	enum sn_err err;

	db_walk_open(&walk, w->into.txn, DB_MEMBERS, room, *account);
	found = db_walk_next(&walk, account);
	if ((err = db_walk_close(&walk, SN_OK)) != SN_OK)
		return (err);
	if (!found)
		return (SN_ENOTFOUND);
	return (apply_must(room_member(w->into.txn, room, *account, m)));
}

/* What the later database says of a member; told where it cannot be read. */
static enum sn_err was_member(struct carry *w, const struct pair *p,
    uint64_t account, struct room_member *was, bool *known)
{
	struct db_key key = db_key2(p->then.id, account);
	enum sn_err err = SN_ENOTFOUND;

	*known = true;
	if (!p->gone)
		err = room_member(w->old, p->then.id, account, was);
	if (err == SN_OK || err == SN_ENOTFOUND)
		return (err);
	*known = false;
	err = db_carry_unreadable(w, "members", db_bytes(&key), err);
	return (err == SN_OK ? SN_ENOTFOUND : err);
}

static enum sn_err tell(struct carry *w, const struct pair *p, uint64_t account,
    const char *before, const char *behind, bool taken)
{
	char text[SN_NAME_ROOM_MAX + 64];
	struct account a;
	enum sn_err err;

	if ((err = account_get(w->into.txn, account, &a)) != SN_OK)
		return (apply_must(err));
	(void)snprintf(
	    text, sizeof(text), "%s %s %s", before, p->then.name, behind);
	if (taken)
		db_carry_carried(w, a.name, text);
	else
		db_carry_say(w, "%s: %s", a.name, text);
	return (SN_OK);
}

/* The role, and from where on it may read, of one who is in both. */
static enum sn_err settle(struct carry *w, const struct pair *p,
    uint64_t account, struct room_member *then, const struct room_member *was)
{
	enum sn_err err = SN_OK;

	if (then->role == was->role && then->joined >= was->joined)
		return (SN_OK);
	if (then->role != was->role)
		err = tell(w, p, account,
		    was->role == ROOM_OWNER ? "an owner of" : "no owner of",
		    was->role == ROOM_OWNER ? "since" : "any more",
		    was->role != ROOM_OWNER);
	then->role = was->role;
	/* It has left since, and come again. */
	if (then->joined < was->joined)
		then->joined = was->joined;
	if (err == SN_OK)
		err = room_put_member(w->into.txn, p->then.id, account, then);
	return (err);
}

static enum sn_err settle_all(struct carry *w, const struct pair *p)
{
	struct room_member then, was = { .joined = 0 };
	uint64_t account = 0;
	bool known;
	enum sn_err err;

	while ((err = next_member(w, p->then.id, &account, &then)) == SN_OK) {
		err = was_member(w, p, account, &was, &known);
		if (err == SN_OK)
			err = settle(w, p, account, &then, &was);
		if (err != SN_OK && err != SN_ENOTFOUND)
			return (err);
	}
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

static enum sn_err leave(
    struct carry *w, const struct pair *p, uint64_t account)
{
	struct op op = { .kind = OP_ROOM_MEMBER, .time = w->now };
	enum sn_err err = SN_OK;

	op.room_member.room = p->then.id;
	op.room_member.account = op.room_member.by = account;
	op.room_member.change = OP_LEAVE;
	if (!p->gone)
		err = tell(w, p, account, "not in", "any more", true);
	return (err == SN_OK ? db_carry_apply(w, &op) : err);
}

/* Those with this role that the later database does not have. */
static enum sn_err leave_all(
    struct carry *w, const struct pair *p, enum room_role role)
{
	struct room_member then, was;
	uint64_t account = 0;
	bool known;
	enum sn_err err;

	while ((err = next_member(w, p->then.id, &account, &then)) == SN_OK) {
		if (then.role != role)
			continue;
		err = was_member(w, p, account, &was, &known);
		if (err == SN_ENOTFOUND)
			err = known ? leave(w, p, account) : SN_OK;
		if (err != SN_OK)
			return (err);
	}
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

static enum sn_err close_history(struct carry *w, const struct pair *p)
{
	struct room room = p->then;

	room.history = false;
	db_carry_carried(w, room.name, "its history closed");
	return (room_put(w->into.txn, &room));
}

static enum sn_err carry_room(struct carry *w, uint64_t id)
{
	struct db_key key = db_key1(id);
	struct pair p;
	enum sn_err err;

	if ((err = apply_must(room_get(w->into.txn, id, &p.then))) != SN_OK ||
	    p.then.kind != ROOM_NAMED)
		return (err);
	/* Its row stays when a room is deleted. */
	if ((err = apply_must(room_get(w->old, id, &p.was))) != SN_OK)
		return (db_carry_unreadable(w, "rooms", db_bytes(&key), err));
	p.gone = p.was.kind == ROOM_DELETED;
	if (p.gone)
		db_carry_carried(w, p.then.name, "deleted");
	else if (p.then.history && !p.was.history)
		err = close_history(w, &p);
	if (err == SN_OK && (err = settle_all(w, &p)) == SN_OK &&
	    (err = leave_all(w, &p, ROOM_MEMBER)) == SN_OK)
		err = leave_all(w, &p, ROOM_OWNER);
	return (err);
}

/* Sought anew each time: what is changed is what is walked. */
static enum sn_err next_room(struct carry *w, uint64_t *id)
{
	struct db_key from = db_key1(*id + 1);
	struct sn_bytes key, value;
	struct sn_cursor *c;
	enum sn_err err;

	if ((err = sn_cursor_open(w->into.txn, DB_ROOMS, &c)) != SN_OK)
		return (err);
	if ((err = sn_cursor_seek(c, db_bytes(&from), &key, &value)) == SN_OK)
		err = db_u64(key, id);
	sn_cursor_close(c);
	return (err);
}

enum sn_err db_carry_rooms(struct carry *w)
{
	uint64_t id = 0;
	enum sn_err err;

	while ((err = next_room(w, &id)) == SN_OK) {
		if ((err = carry_room(w, id)) != SN_OK)
			return (err);
	}
	return (err == SN_ENOTFOUND ? SN_OK : err);
}
