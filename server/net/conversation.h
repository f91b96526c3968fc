#ifndef SERVER_NET_CONVERSATION_H
#define SERVER_NET_CONVERSATION_H

#include "lib/bytes.h"
#include "server/oplog/room.h"

/* What a target of the protocol means to one account that is in it. */
struct conversation {
	struct room room; /* id 0: the two have not spoken yet. */
	struct room_member me;
};

/**
 * conversation_find(txn, account, with, out):
 * The room of that name, or the conversation with the one who has that name
 * now, or else with the last one of that name who was deleted.  SN_ENOTFOUND
 * for all that ${account} may not know of.
 */
enum sn_err conversation_find(struct sn_txn *txn, uint64_t account,
    struct sn_bytes with, struct conversation *out) SN_MUST_USE;

/** conversation_other(c, account): the other one of two, or ${account}. */
uint64_t conversation_other(const struct room *room, uint64_t account);

/** conversation_last(index, room, seq, out): its last message at or below
 * ${seq}, by a cursor of DB_ROOM_INDEX.  SN_ENOTFOUND. */
enum sn_err conversation_last(struct sn_cursor *index, uint64_t room,
    uint64_t seq, uint64_t *out) SN_MUST_USE;

#endif
