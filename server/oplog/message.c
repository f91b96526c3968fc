#include "server/oplog/message.h"

#include "server/oplog/db.h"
#include "server/oplog/op.h"

enum sn_err message_get(struct sn_txn *txn, uint64_t seq, struct message *out)
{
	struct db_key key = db_key1(seq);
	struct sn_bytes value;
	struct op op;
	enum sn_err err;

	err = sn_txn_get(txn, DB_LOG, db_bytes(&key), &value);
	if (err != SN_OK)
		return (err);
	if ((err = op_decode(value, &op)) != SN_OK)
		return (err);
	if (op.kind != OP_MESSAGE)
		return (SN_ENOTFOUND);
	out->tail = op.message.tail;
	out->sender = op.message.sender;
	out->expires = op.message.expires;
	return (SN_OK);
}

bool message_expired(const struct message *m, uint64_t now)
{
	return (m->expires != 0 && m->expires <= now);
}

/* Time of the first row at or above ${seq}; SN_ENOTFOUND past the end. */
static enum sn_err time_from(
    struct sn_cursor *c, uint64_t seq, uint64_t *found, uint64_t *time)
{
	struct db_key from = db_key1(seq);
	struct sn_bytes key, value;
	struct op op;
	enum sn_err err;

	err = sn_cursor_seek(c, db_bytes(&from), &key, &value);
	if (err != SN_OK)
		return (err);
	if ((err = db_u64(key, found)) != SN_OK)
		return (err);
	/* A damaged row tells no time: let it count as old. */
	*time = op_decode(value, &op) == SN_OK ? op.time : 0;
	return (SN_OK);
}

enum sn_err message_before(struct sn_txn *txn, uint64_t time, uint64_t *out)
{
	uint64_t low = 1, high, found, then;
	struct sn_cursor *c;
	enum sn_err err;

	*out = 0;
	if ((err = db_meta(txn, DB_META_LAST_SEQ, &high)) != SN_OK)
		return (err);
	if ((err = sn_cursor_open(txn, DB_LOG, &c)) != SN_OK)
		return (err);
	/* All below ${low} are before ${time}; all above ${high} are not. */
	while (low <= high) {
		uint64_t middle = low + (high - low) / 2;

		err = time_from(c, middle, &found, &then);
		if (err != SN_OK && err != SN_ENOTFOUND)
			break;
		if (err == SN_OK && found <= high && then < time) {
			*out = found;
			low = found + 1;
		} else {
			high = middle - 1;
		}
		err = SN_OK;
	}
	sn_cursor_close(c);
	return (err);
}
