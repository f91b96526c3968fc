#include "server/oplog/apply.h"

#include <string.h>

#include "server/oplog/apply_account.h"
#include "server/oplog/apply_forget.h"
#include "server/oplog/apply_mapping.h"
#include "server/oplog/apply_message.h"
#include "server/oplog/apply_room.h"
#include "server/oplog/db.h"

static enum sn_err change(struct sn_txn *txn, struct tally *tally,
    const struct op *op, size_t bytes, uint64_t seq, struct applied *out)
{
	switch (op->kind) {
	case OP_MESSAGE:
		return (apply_message(txn, tally, op, bytes, seq, out));
	case OP_ACCOUNT_ADD:
		return (apply_account_add(txn, op));
	case OP_ACCOUNT_STATE:
		tally_accounts_changed(tally);
		return (apply_account_state(txn, op));
	case OP_DEVICE_BIND:
		return (apply_device_bind(txn, op, out));
	case OP_DEVICE_REVOKE:
		return (apply_device_revoke(txn, op));
	case OP_ROOM_CREATE:
		return (apply_room_create(txn, op, seq, out));
	case OP_ROOM_MEMBER:
		return (apply_room_member(txn, op, seq, out));
	case OP_ROOM_TOPIC:
		return (apply_room_topic(txn, op, out));
	case OP_ROOM_DELETE:
		return (apply_room_delete(txn, op, out));
	case OP_ROOM_HISTORY:
		return (apply_room_history(txn, op, out));
	case OP_SUBJECT_MAP:
		return (apply_subject_map(txn, op));
	case OP_SUBJECT_UNMAP:
		return (apply_subject_unmap(txn, op));
	case OP_FORGET:
		return (apply_forget(txn, tally, op));
	case OP_PURGE:
		return (apply_purge(txn, tally, op));
	case OP_LIMIT:
		return (apply_limit(txn, tally, op));
	case OP_FORGOTTEN:
	case OP_KIND_END:
		break;
	}
	return (SN_EBUG);
}

enum sn_err apply(struct sn_txn *txn, struct tally *tally,
    struct sn_bytes value, uint64_t seq, struct applied *out)
{
	struct db_key key = db_key1(seq);
	struct op op;
	enum sn_err err;

	if ((err = op_decode(value, &op)) != SN_OK)
		return (err);
	memset(out, 0, sizeof(*out));
	out->seq = seq;
	out->time = op.time;
	err = change(txn, tally, &op, value.n, seq, out);
	if (err != SN_OK || out->duplicate)
		return (err);
	tally_row(tally, seq, value, 1);
	return (apply_must(sn_txn_append(txn, DB_LOG, db_bytes(&key), value)));
}

enum sn_err apply_must(enum sn_err err)
{
	return (sn_err_class(err) == SN_C_REQUEST ? SN_ECORRUPT : err);
}
