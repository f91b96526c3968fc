#include "server/net/conversation.h"

#include "server/oplog/account.h"
#include "server/oplog/db.h"

/* *${id} is 0 for two who never spoke. */
static enum sn_err find_direct(
    struct sn_txn *txn, uint64_t me, struct sn_bytes with, uint64_t *id)
{
	struct account account;
	enum sn_err known, err;

	if (!sn_name_account(with))
		return (SN_ENOTFOUND);
	known = account_find(txn, with, &account);
	if (known != SN_OK && known != SN_ENOTFOUND)
		return (known);
	err = known == SN_OK ? room_direct(txn, me, account.id, id)
			     : SN_ENOTFOUND;
	if (err == SN_ENOTFOUND)
		err = room_former(txn, me, with, id);
	if (err == SN_ENOTFOUND && known == SN_OK &&
	    account.state == ACCOUNT_ACTIVE) {
		*id = 0;
		return (SN_OK);
	}
	return (err);
}

enum sn_err conversation_find(struct sn_txn *txn, uint64_t account,
    struct sn_bytes with, struct conversation *out)
{
	uint64_t id;
	enum sn_err err;

	if (sn_name_room(with)) {
		err = room_find(txn, with, &out->room);
	} else {
		err = find_direct(txn, account, with, &id);
		out->room.id = 0;
		if (err == SN_OK && id != 0)
			err = room_get(txn, id, &out->room);
	}
	if (err != SN_OK || out->room.id == 0)
		return (err);
	return (room_member(txn, out->room.id, account, &out->me));
}

uint64_t conversation_other(const struct room *room, uint64_t account)
{
	return (room->lower == account ? room->higher : room->lower);
}

enum sn_err conversation_last(
    struct sn_cursor *c, uint64_t room, uint64_t seq, uint64_t *out)
{
	struct db_key above = db_key2(room, seq + 1);
	struct sn_bytes key, value;
	struct sn_rd r;
	enum sn_err err;

	err = sn_cursor_seek(c, db_bytes(&above), &key, &value);
	if (err == SN_OK)
		err = sn_cursor_prev(c, &key, &value);
	else if (err == SN_ENOTFOUND)
		err = sn_cursor_last(c, &key, &value);
	if (err != SN_OK)
		return (err);
	r = sn_rd_over(key.p, key.n);
	if (sn_rd_u64(&r) != room)
		return (SN_ENOTFOUND);
	*out = sn_rd_u64(&r);
	return (SN_OK);
}
