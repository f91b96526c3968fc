#ifndef SERVER_NET_ROOM_MEMBERS_H
#define SERVER_NET_ROOM_MEMBERS_H

#include "server/net/listing.h"

/** room_members_begin(s, ref, name, kind): list the rows of DB_MEMBERS of the
 * room ${name}, by ${kind}; ERROR when the session's account is not in it. */
void room_members_begin(struct sess *s, uint64_t ref, struct sn_bytes name,
    const struct listing_kind *kind);

/** room_members_check(s, txn, l): a listing_kind's check: the account is in
 * the room still. */
enum sn_err room_members_check(
    struct sess *s, struct sn_txn *txn, const struct listing *l) SN_MUST_USE;

/** room_members_of(key, room, account): what a row's key says. */
enum sn_err room_members_of(
    struct sn_bytes key, uint64_t *room, uint64_t *account) SN_MUST_USE;

#endif
