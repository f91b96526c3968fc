#include "server/net/conversation.h"

#include "server/oplog/account.h"

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
