#include "server/net/followers.h"

#include <stdlib.h>
#include <string.h>

#include "server/oplog/db_walk.h"
#include "server/net/loop.h"
#include "server/oplog/room.h"

#define FIRST 4

static enum sn_err append_room(struct follower *f, uint64_t room)
{
	uint64_t *rooms;
	size_t cap;

	if (f->room_count == f->room_cap) {
		cap = f->room_cap == 0 ? FIRST : 2 * f->room_cap;
		rooms = reallocarray(f->rooms, cap, sizeof(*rooms));
		if (rooms == NULL)
			return (SN_ENOMEM);
		f->rooms = rooms;
		f->room_cap = cap;
	}
	f->rooms[f->room_count++] = room;
	return (SN_OK);
}

static enum sn_err append_member(struct follow_room *r, struct follower *f)
{
	struct follower **members;
	size_t cap;

	if (r->count == r->cap) {
		cap = r->cap == 0 ? FIRST : 2 * r->cap;
		members = reallocarray(r->members, cap, sizeof(*members));
		if (members == NULL)
			return (SN_ENOMEM);
		r->members = members;
		r->cap = cap;
	}
	r->members[r->count++] = f;
	return (SN_OK);
}

static void leave(struct loop *loop, struct follower *f, uint64_t room)
{
	struct follow_room *r = map_get(&loop->rooms, room);

	if (r == NULL)
		return;
	for (size_t i = 0; i < r->count; i++) {
		if (r->members[i] == f) {
			r->members[i] = r->members[--r->count];
			break;
		}
	}
	if (r->count > 0)
		return;
	map_delete(&loop->rooms, room);
	free(r->members);
	free(r);
}

static enum sn_err join(struct loop *loop, struct follower *f, uint64_t room)
{
	struct follow_room *r;
	enum sn_err err;

	for (size_t i = 0; i < f->room_count; i++) {
		if (f->rooms[i] == room)
			return (SN_OK);
	}
	if ((r = map_get(&loop->rooms, room)) == NULL) {
		if ((r = calloc(1, sizeof(*r))) == NULL)
			return (SN_ENOMEM);
		if ((err = map_put(&loop->rooms, room, r)) != SN_OK) {
			free(r);
			return (err);
		}
	}
	if ((err = append_member(r, f)) != SN_OK ||
	    (err = append_room(f, room)) != SN_OK)
		leave(loop, f, room);
	return (err);
}

/* The named rooms that the account is in. */
static enum sn_err load(
    struct loop *loop, struct sn_txn *txn, struct follower *f)
{
	enum sn_err err = SN_OK;
	struct db_walk walk;
	struct room room;
	uint64_t id;

	db_walk_open(&walk, txn, DB_ACCOUNT_ROOMS, f->account, 0);
	while (err == SN_OK && db_walk_next(&walk, &id)) {
		if ((err = room_get(txn, id, &room)) == SN_OK &&
		    room.kind == ROOM_NAMED)
			err = join(loop, f, room.id);
	}
	return (db_walk_close(&walk, err));
}

static void forget(struct loop *loop, struct follower *f)
{
	for (size_t i = 0; i < f->room_count; i++)
		leave(loop, f, f->rooms[i]);
	map_delete(&loop->followers, f->account);
	free(f->rooms);
	free(f);
}

enum sn_err followers_add(struct loop *loop, struct sn_txn *txn, struct sess *s)
{
	struct follower *f = map_get(&loop->followers, s->account);
	enum sn_err err;

	if (f == NULL) {
		if ((f = calloc(1, sizeof(*f))) == NULL)
			return (SN_ENOMEM);
		f->account = s->account;
		err = map_put(&loop->followers, f->account, f);
		if (err != SN_OK) {
			free(f);
			return (err);
		}
		if ((err = load(loop, txn, f)) != SN_OK) {
			forget(loop, f);
			return (err);
		}
	}
	s->next_of_account = f->sessions;
	f->sessions = s;
	return (SN_OK);
}

void followers_remove(struct loop *loop, struct sess *s)
{
	struct follower *f = map_get(&loop->followers, s->account);
	struct sess **at;

	if (f == NULL)
		return;
	for (at = &f->sessions; *at != NULL && *at != s;)
		at = &(*at)->next_of_account;
	if (*at == s)
		*at = s->next_of_account;
	if (f->sessions == NULL)
		forget(loop, f);
}

void followers_joined(struct loop *loop, uint64_t room, uint64_t account)
{
	struct follower *f = map_get(&loop->followers, account);
	struct sess *s, *next;

	if (f == NULL || join(loop, f, room) == SN_OK)
		return;
	/* Without memory for the entry they would miss messages: end them;
	 * what they miss awaits them in the log. */
	for (s = f->sessions; s != NULL; s = next) {
		next = s->next_of_account;
		sess_drop(s);
	}
}

void followers_left(struct loop *loop, uint64_t room, uint64_t account)
{
	struct follower *f = map_get(&loop->followers, account);

	if (f == NULL)
		return;
	for (size_t i = 0; i < f->room_count; i++) {
		if (f->rooms[i] == room) {
			f->rooms[i] = f->rooms[--f->room_count];
			leave(loop, f, room);
			return;
		}
	}
}

void followers_ended(struct loop *loop, uint64_t room)
{
	struct follow_room *r;

	/* The last one to leave takes the entry with it. */
	while ((r = map_get(&loop->rooms, room)) != NULL)
		followers_left(loop, room, r->members[0]->account);
}

bool followers_any(const struct loop *loop, uint64_t room)
{
	return (map_get(&loop->rooms, room) != NULL);
}

void followers_of_room(struct loop *loop, uint64_t room,
    void (*call)(struct sess *s, const void *arg), const void *arg)
{
	struct follow_room *r = map_get(&loop->rooms, room);
	struct sess *s, *next;

	/* From the end: one that goes is replaced by the last. */
	for (size_t i = r == NULL ? 0 : r->count; i > 0; i--) {
		for (s = r->members[i - 1]->sessions; s != NULL; s = next) {
			next = s->next_of_account;
			call(s, arg);
		}
		if ((r = map_get(&loop->rooms, room)) == NULL)
			break;
		if (i > r->count + 1)
			i = r->count + 1;
	}
}

void followers_of_account(struct loop *loop, uint64_t account,
    void (*call)(struct sess *s, const void *arg), const void *arg)
{
	struct follower *f = map_get(&loop->followers, account);
	struct sess *s, *next;

	for (s = f == NULL ? NULL : f->sessions; s != NULL; s = next) {
		next = s->next_of_account;
		call(s, arg);
	}
}

/* What is told, and how. */
struct telling {
	const struct oplog_request *first, *end;
	void (*call)(struct sess *s, const struct oplog_request *request);
};

static void each_session(struct follower *f, const struct telling *t)
{
	struct sess *s, *next;

	/* A call may end its session, and the follower with the last one. */
	for (s = f->sessions; s != NULL; s = next) {
		next = s->next_of_account;
		for (const struct oplog_request *q = t->first; q != t->end;
		     q = q->next)
			t->call(s, q);
	}
}

static void each_account(
    struct loop *loop, uint64_t account, const struct telling *t)
{
	struct follower *f = map_get(&loop->followers, account);

	if (f != NULL)
		each_session(f, t);
}

void followers_each(struct loop *loop, const struct oplog_request *first,
    const struct oplog_request *end,
    void (*call)(struct sess *s, const struct oplog_request *request))
{
	const struct applied *of = &first->applied;
	const struct telling t = { first, end, call };
	struct follow_room *r;

	if (of->direct) {
		each_account(loop, of->account, &t);
		if (of->other != of->account)
			each_account(loop, of->other, &t);
		return;
	}
	/* From the end: one that goes is replaced by the last. */
	r = map_get(&loop->rooms, of->room);
	for (size_t i = r == NULL ? 0 : r->count; i > 0; i--) {
		each_session(r->members[i - 1], &t);
		if ((r = map_get(&loop->rooms, of->room)) == NULL)
			break;
		if (i > r->count + 1)
			i = r->count + 1;
	}
}

void followers_free(struct loop *loop)
{
	for (size_t i = 0; i < loop->followers.size; i++) {
		struct follower *f = loop->followers.slots[i].value;

		if (loop->followers.slots[i].key != 0) {
			free(f->rooms);
			free(f);
		}
	}
	for (size_t i = 0; i < loop->rooms.size; i++) {
		struct follow_room *r = loop->rooms.slots[i].value;

		if (loop->rooms.slots[i].key != 0) {
			free(r->members);
			free(r);
		}
	}
	map_free(&loop->followers);
	map_free(&loop->rooms);
}
