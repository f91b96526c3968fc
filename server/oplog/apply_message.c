#include "server/oplog/apply_message.h"

#include <string.h>

#include "server/oplog/db.h"
#include "server/oplog/dedupe.h"

/* SN_EEXISTS, with the first one's place, when it was stored before. */
static enum sn_err check_duplicate(
    struct sn_txn *txn, const struct op_message *m, struct applied *out)
{
	enum sn_err err;

	err = dedupe_find(txn, m->id, m->sender, &out->seq, &out->time);
	if (err != SN_OK)
		return (err == SN_ENOTFOUND ? SN_OK : err);
	out->duplicate = true;
	return (SN_EEXISTS);
}

/* The conversation's room; ${fresh} when it has still to be made. */
static enum sn_err direct_room(struct sn_txn *txn, struct tally *tally,
    const struct op_message *m, struct room *room, bool *fresh)
{
	enum sn_err err;
	uint64_t last;

	if ((err = tally_active(tally, txn, m->target)) != SN_OK)
		return (err == SN_EDENIED ? SN_ENOTFOUND : err);
	room->lower = m->sender < m->target ? m->sender : m->target;
	room->higher = m->sender < m->target ? m->target : m->sender;
	err = tally_direct(tally, txn, room->lower, room->higher, &room->id);
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

/* Remember the id; SN_EEXISTS when it is remembered already. */
static enum sn_err remember(
    struct sn_txn *txn, const struct op *op, uint64_t seq)
{
	struct dedupe_key id = dedupe_key(op->message.id, op->message.sender);
	struct db_key first = db_key2(seq, op->time);

	return (sn_txn_insert(txn, DB_DEDUPE,
	    (struct sn_bytes){ id.bytes, sizeof(id.bytes) }, db_bytes(&first)));
}

static enum sn_err write(
    struct sn_txn *txn, const struct op *op, uint64_t room, uint64_t seq)
{
	struct db_key place = db_key2(room, seq);
	struct db_key due = db_key2(op->message.expires, seq);
	enum sn_err err;

	if (op->message.expires != 0 &&
	    (err = sn_txn_put(txn, DB_EXPIRES, db_bytes(&due),
		 (struct sn_bytes){ NULL, 0 })) != SN_OK)
		return (err);
	/* Nothing has had this place. */
	return (apply_must(sn_txn_insert(txn, DB_ROOM_INDEX, db_bytes(&place),
	    (struct sn_bytes){ NULL, 0 })));
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

/* Where it goes, when it may. */
static enum sn_err find_room(struct sn_txn *txn, struct tally *tally,
    const struct op_message *m, struct room *room, bool *fresh)
{
	struct room_member member;
	enum sn_err err;

	*fresh = false;
	/* It may have been closed since the frame was read. */
	if ((err = tally_active(tally, txn, m->sender)) != SN_OK)
		return (err);
	if (m->direct)
		return (direct_room(txn, tally, m, room, fresh));
	room->id = m->target;
	return (room_member(txn, room->id, m->sender, &member));
}

/*
 * Whether its id was stored before is asked by storing it, which seeks the
 * table once instead of twice; but first of all where the message could not
 * be stored otherwise, or would be the first of its conversation.
 */
static enum sn_err check(struct sn_txn *txn, struct tally *tally,
    const struct op *op, size_t bytes, uint64_t seq, struct room *room,
    struct counted *counted, struct applied *out)
{
	const struct op_message *m = &op->message;
	enum sn_err err, twice;
	bool fresh;

	err = find_room(txn, tally, m, room, &fresh);
	if (err == SN_OK && !fresh)
		err = find_counts(
		    txn, tally, m->sender, room->id, bytes, counted);
	if (err != SN_OK || fresh) {
		if ((twice = check_duplicate(txn, m, out)) != SN_OK)
			return (twice);
	}
	if (err == SN_OK && fresh)
		err = find_counts(
		    txn, tally, m->sender, room->id, bytes, counted);
	if (err != SN_OK)
		return (err);
	if ((err = remember(txn, op, seq)) == SN_EEXISTS) {
		twice = check_duplicate(txn, m, out);
		return (twice == SN_OK ? SN_ECORRUPT : twice);
	}
	out->began = fresh;
	if (err == SN_OK && fresh)
		err = make_direct(txn, room, op->time, seq);
	return (err);
}

enum sn_err apply_message(struct sn_txn *txn, struct tally *tally,
    const struct op *op, size_t bytes, uint64_t seq, struct applied *out)
{
	struct room room = { .id = 0 };
	struct counted counted;
	enum sn_err err;

	err = check(txn, tally, op, bytes, seq, &room, &counted, out);
	if (err != SN_OK)
		return (err == SN_EEXISTS && out->duplicate ? SN_OK : err);
	out->what = APPLIED_MESSAGE;
	out->room = room.id;
	out->direct = op->message.direct;
	if (out->direct) {
		out->account = room.lower;
		out->other = room.higher;
	}
	count(&counted.server->usage, bytes);
	count(&counted.sender->usage, bytes);
	count(&counted.room->usage, bytes);
	return (write(txn, op, room.id, seq));
}
