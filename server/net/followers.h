#ifndef SERVER_NET_FOLLOWERS_H
#define SERVER_NET_FOLLOWERS_H

#include "server/base/map.h"
#include "server/oplog/oplog.h"
#include "server/net/sess.h"

/*
 * Who in this loop follows what: the sessions of each account that have
 * begun delivery or want to hear of things that are not delivered (their
 * ${features}), and the named rooms those accounts are in.  Direct
 * conversations need no entry: a message names its two accounts.
 */
struct follower {
	uint64_t account;
	struct sess *sessions; /* By next_of_account. */
	uint64_t *rooms;       /* Named rooms it is in. */
	size_t room_count, room_cap;
};

struct follow_room {
	struct follower **members;
	size_t count, cap;
};

/** followers_add(loop, txn, s): s begins; ${txn} is a fresh snapshot. */
enum sn_err followers_add(
    struct loop *loop, struct sn_txn *txn, struct sess *s) SN_MUST_USE;

/** followers_remove(loop, s): nothing when it never began. */
void followers_remove(struct loop *loop, struct sess *s);

/** followers_joined, followers_left: what the log says of ${account}. */
void followers_joined(struct loop *loop, uint64_t room, uint64_t account);
void followers_left(struct loop *loop, uint64_t room, uint64_t account);

/** followers_ended(loop, room): nobody follows it any more. */
void followers_ended(struct loop *loop, uint64_t room);

/** followers_any(loop, room): whether somebody here does. */
bool followers_any(const struct loop *loop, uint64_t room);

/** followers_of_room(loop, room, call, arg): every session here that does. */
void followers_of_room(struct loop *loop, uint64_t room,
    void (*call)(struct sess *s, const void *arg), const void *arg);

/** followers_of_account(loop, account, call, arg): every session of it. */
void followers_of_account(struct loop *loop, uint64_t account,
    void (*call)(struct sess *s, const void *arg), const void *arg);

/**
 * followers_each(loop, first, end, call):
 * Every session here that may have the messages from ${first} up to ${end},
 * which is none of them and may be NULL: they are of one conversation.  A
 * session is told all of them before the next one is.
 */
void followers_each(struct loop *loop, const struct oplog_request *first,
    const struct oplog_request *end,
    void (*call)(struct sess *s, const struct oplog_request *request));

/** followers_free(loop): what is left of the tables. */
void followers_free(struct loop *loop);

#endif
