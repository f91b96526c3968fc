#include "server/oplog/apply_message.h"

#include <string.h>

#include "server/oplog/db.h"
#include "server/oplog/dedupe.h"

/* SN_EEXISTS, with the first one's place, when it was stored before. */
static enum sn_err check_duplicate(
    struct sn_txn *txn, const struct op_message *m, struct applied *out)
{
	struct dedupe_key key = dedupe_key(m->id, m->sender);
	struct sn_bytes value;
	struct sn_rd r;
	enum sn_err err;

	err = sn_txn_get(txn, DB_DEDUPE,
	    (struct sn_bytes){ key.bytes, sizeof(key.bytes) }, &value);
	if (err == SN_ENOTFOUND)
		return (SN_OK);
	if (err != SN_OK)
		return (err);
	r = sn_rd_over(value.p, value.n);
	out->seq = sn_rd_u64(&r);
	out->time = sn_rd_u64(&r);
	out->duplicate = true;
	return (sn_rd_end(&r) ? SN_EEXISTS : SN_ECORRUPT);
}

/* The conversation's room; ${fresh} when it has still to be made. */
static enum sn_err direct_room(struct sn_txn *txn, const struct op_message *m,
    struct room *room, bool *fresh)
{
	struct account to;
	enum sn_err err;
	uint64_t last;

	if ((err = account_get(txn, m->target, &to)) != SN_OK)
		return (err);
	if (to.state != ACCOUNT_ACTIVE)
		return (SN_ENOTFOUND);
	memset(room, 0, sizeof(*room));
	room->lower = m->sender < m->target ? m->sender : m->target;
	room->higher = m->sender < m->target ? m->target : m->sender;
	err = room_direct(txn, m->sender, m->target, &room->id);
	*fresh = err == SN_ENOTFOUND;
	if (!*fresh)
		return (err);
	if ((err = db_meta(txn, DB_META_LAST_ROOM, &last)) != SN_OK)
		return (err);
	room->id = last + 1;
	return (SN_OK);
}

static enum sn_err make_direct(
    struct sn_txn *txn, struct room *room, uint64_t time, uint64_t seq)
{
	struct room_member member = { .role = ROOM_MEMBER, .joined = seq };
	struct db_key pair = db_key2(room->lower, room->higher);
	enum sn_err err;

	room->kind = ROOM_DIRECT;
	room->created = time;
	room->members = room->lower == room->higher ? 1 : 2;
	if ((err = db_meta_set(txn, DB_META_LAST_ROOM, room->id)) != SN_OK ||
	    (err = room_put(txn, room)) != SN_OK ||
	    (err = db_put_u64(txn, DB_DIRECTS, db_bytes(&pair), room->id)) !=
		SN_OK ||
	    (err = room_put_member(txn, room->id, room->lower, &member)) !=
		SN_OK)
		return (err);
	if (room->lower == room->higher)
		return (SN_OK);
	return (room_put_member(txn, room->id, room->higher, &member));
}

static enum sn_err write(
    struct sn_txn *txn, const struct op *op, uint64_t room, uint64_t seq)
{
	struct dedupe_key id = dedupe_key(op->message.id, op->message.sender);
	struct db_key place = db_key2(room, seq);
	struct db_key due = db_key2(op->message.expires, seq);
	struct db_key first = db_key2(seq, op->time);
	enum sn_err err;

	err = sn_txn_put(txn, DB_DEDUPE,
	    (struct sn_bytes){ id.bytes, sizeof(id.bytes) }, db_bytes(&first));
	if (err != SN_OK)
		return (err);
	if (op->message.expires != 0 &&
	    (err = sn_txn_put(txn, DB_EXPIRES, db_bytes(&due),
		 (struct sn_bytes){ NULL, 0 })) != SN_OK)
		return (err);
	return (sn_txn_put(txn, DB_ROOM_INDEX, db_bytes(&place),
	    (struct sn_bytes){ NULL, 0 }));
}

/* Those whose counts a message changes. */
struct counted {
	struct tally_entry *server, *sender, *room;
};

static enum sn_err find_counts(struct sn_txn *txn, struct tally *tally,
    uint64_t sender, uint64_t room, size_t bytes, struct counted *out)
{
	const struct tally_entry *e;
	enum sn_err err;

	if ((err = tally_entry(tally, txn, USAGE_SERVER, 0, &out->server)) !=
		SN_OK ||
	    (err = tally_entry(
		 tally, txn, USAGE_ACCOUNT, sender, &out->sender)) != SN_OK ||
	    (err = tally_entry(tally, txn, USAGE_ROOM, room, &out->room)) !=
		SN_OK)
		return (err);
	e = out->sender;
	if (e->quota != 0 &&
	    (e->usage.bytes >= e->quota || bytes > e->quota - e->usage.bytes))
		return (SN_ELIMIT);
	return (SN_OK);
}

static void count(struct usage *usage, size_t bytes)
{
	usage->messages++;
	usage->bytes += bytes;
}

enum sn_err apply_message(struct sn_txn *txn, struct tally *tally,
    const struct op *op, size_t bytes, uint64_t seq, struct applied *out)
{
	const struct op_message *m = &op->message;
	struct account sender;
	struct room_member member;
	struct counted counted;
	struct room room;
	bool fresh = false;
	enum sn_err err;

	err = check_duplicate(txn, m, out);
	if (err == SN_EEXISTS)
		return (SN_OK);
	if (err != SN_OK)
		return (err);
	if ((err = account_get(txn, m->sender, &sender)) != SN_OK)
		return (err);
	/* It may have been closed since the frame was read. */
	if (sender.state != ACCOUNT_ACTIVE)
		return (SN_EDENIED);
	if (m->direct) {
		err = direct_room(txn, m, &room, &fresh);
		out->account = room.lower;
		out->other = room.higher;
	} else {
		room.id = m->target;
		err = room_member(txn, room.id, m->sender, &member);
	}
	if (err != SN_OK)
		return (err);
	err = find_counts(txn, tally, m->sender, room.id, bytes, &counted);
	if (err != SN_OK)
		return (err);
	if (fresh && (err = make_direct(txn, &room, op->time, seq)) != SN_OK)
		return (err);
	out->what = APPLIED_MESSAGE;
	out->room = room.id;
	out->direct = m->direct;
	count(&counted.server->usage, bytes);
	count(&counted.sender->usage, bytes);
	count(&counted.room->usage, bytes);
	return (write(txn, op, room.id, seq));
}
