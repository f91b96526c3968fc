#ifndef SERVER_OPLOG_ROOM_H
#define SERVER_OPLOG_ROOM_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/name.h"
#include "lib/store.h"

#define ROOM_TOPIC_MAX 256

/* A direct conversation is a room of two, without a name. */
/* A deleted one keeps its row, so that its name can still be told. */
enum room_kind { ROOM_DIRECT, ROOM_NAMED, ROOM_DELETED };
enum room_role { ROOM_MEMBER, ROOM_OWNER };

struct room {
	uint64_t id;
	enum room_kind kind;
	bool open;        /* Anyone may join. */
	bool history;     /* Members may read what was said before them. */
	uint64_t created; /* ms since 1970 */
	uint64_t members;
	uint64_t lower, higher; /* Account ids of a direct conversation. */
	char name[SN_NAME_ROOM_MAX + 1];
	char topic[ROOM_TOPIC_MAX + 1];
};

struct room_member {
	enum room_role role;
	uint64_t joined; /* Messages from this sequence on are its own. */
};

/** room_get(txn, id, out): SN_ENOTFOUND, SN_ECORRUPT. */
enum sn_err room_get(
    struct sn_txn *txn, uint64_t id, struct room *out) SN_MUST_USE;

/** room_find(txn, name, out): a room by its name. */
enum sn_err room_find(
    struct sn_txn *txn, struct sn_bytes name, struct room *out) SN_MUST_USE;

/** room_direct(txn, a, b, id): the conversation of two accounts. */
enum sn_err room_direct(
    struct sn_txn *txn, uint64_t a, uint64_t b, uint64_t *id) SN_MUST_USE;

/**
 * room_former(txn, account, name, id):
 * The conversation of ${account} with one of that name who was deleted, the
 * last such.  SN_ENOTFOUND.
 */
enum sn_err room_former(struct sn_txn *txn, uint64_t account,
    struct sn_bytes name, uint64_t *id) SN_MUST_USE;

/** room_member(txn, room, account, out): SN_ENOTFOUND when it is none. */
enum sn_err room_member(struct sn_txn *txn, uint64_t room, uint64_t account,
    struct room_member *out) SN_MUST_USE;

/** room_member_read(value, out): a row of MEMBERS that a walk has met.
 * SN_ECORRUPT. */
enum sn_err room_member_read(
    struct sn_bytes value, struct room_member *out) SN_MUST_USE;

/** The writers, which apply alone calls. */
enum sn_err room_put(struct sn_txn *txn, const struct room *room) SN_MUST_USE;
enum sn_err room_put_member(struct sn_txn *txn, uint64_t room, uint64_t account,
    const struct room_member *member) SN_MUST_USE;
enum sn_err room_delete_member(
    struct sn_txn *txn, uint64_t room, uint64_t account) SN_MUST_USE;
enum sn_err room_put_former(struct sn_txn *txn, uint64_t account,
    struct sn_bytes name, uint64_t room) SN_MUST_USE;

#endif
