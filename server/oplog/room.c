#include "server/oplog/room.h"

#include "server/oplog/db.h"
#include "server/base/record.h"

#define VERSION 2 /* 2: a room has ${history} */

enum sn_err room_get(struct sn_txn *txn, uint64_t id, struct room *out)
{
	struct db_key key = db_key1(id);
	struct sn_bytes value;
	struct sn_rd r;
	enum sn_err err;

	err = sn_txn_get(txn, DB_ROOMS, db_bytes(&key), &value);
	if (err != SN_OK)
		return (err);
	if ((err = record_open(value, VERSION, &r)) != SN_OK)
		return (err);
	out->id = id;
	out->kind = sn_rd_u8(&r);
	out->open = sn_rd_u8(&r) != 0;
	out->created = sn_rd_u64(&r);
	out->members = sn_rd_u64(&r);
	out->lower = sn_rd_u64(&r);
	out->higher = sn_rd_u64(&r);
	sn_rd_text(&r, out->name, sizeof(out->name));
	sn_rd_text(&r, out->topic, sizeof(out->topic));
	out->history = r.left > 0 && sn_rd_u8(&r) != 0;
	return (sn_rd_end(&r) ? SN_OK : SN_ECORRUPT);
}

enum sn_err room_find(
    struct sn_txn *txn, struct sn_bytes name, struct room *out)
{
	enum sn_err err;
	uint64_t id;

	if ((err = db_get_u64(txn, DB_ROOM_NAMES, name, &id)) != SN_OK)
		return (err);
	err = room_get(txn, id, out);
	return (err == SN_ENOTFOUND ? SN_ECORRUPT : err);
}

enum sn_err room_direct(
    struct sn_txn *txn, uint64_t a, uint64_t b, uint64_t *id)
{
	struct db_key key = a < b ? db_key2(a, b) : db_key2(b, a);

	return (db_get_u64(txn, DB_DIRECTS, db_bytes(&key), id));
}

/* account id, name */
struct former_key {
	uint8_t bytes[8 + SN_NAME_MAX];
	size_t n;
};

static struct former_key former_key(uint64_t account, struct sn_bytes name)
{
	struct former_key key;
	struct sn_wr w = sn_wr_over(key.bytes, sizeof(key.bytes));

	sn_wr_u64(&w, account);
	sn_wr_put(&w, name.p, name.n);
	key.n = w.n;
	return (key);
}

enum sn_err room_former(
    struct sn_txn *txn, uint64_t account, struct sn_bytes name, uint64_t *id)
{
	struct former_key key = former_key(account, name);

	return (db_get_u64(
	    txn, DB_FORMERS, (struct sn_bytes){ key.bytes, key.n }, id));
}

enum sn_err room_put_former(
    struct sn_txn *txn, uint64_t account, struct sn_bytes name, uint64_t room)
{
	struct former_key key = former_key(account, name);

	return (db_put_u64(
	    txn, DB_FORMERS, (struct sn_bytes){ key.bytes, key.n }, room));
}

enum sn_err room_member_read(struct sn_bytes value, struct room_member *out)
{
	struct sn_rd r;
	enum sn_err err;

	if ((err = record_open(value, VERSION, &r)) != SN_OK)
		return (err);
	out->role = sn_rd_u8(&r);
	out->joined = sn_rd_u64(&r);
	return (sn_rd_end(&r) ? SN_OK : SN_ECORRUPT);
}

enum sn_err room_member(struct sn_txn *txn, uint64_t room, uint64_t account,
    struct room_member *out)
{
	struct db_key key = db_key2(room, account);
	struct sn_bytes value;
	enum sn_err err;

	err = sn_txn_get(txn, DB_MEMBERS, db_bytes(&key), &value);
	return (err == SN_OK ? room_member_read(value, out) : err);
}

enum sn_err room_put(struct sn_txn *txn, const struct room *room)
{
	uint8_t space[512];
	struct sn_wr w = sn_wr_over(space, sizeof(space));
	struct db_key key = db_key1(room->id);

	record_begin(&w, VERSION);
	sn_wr_u8(&w, (uint8_t)room->kind);
	sn_wr_u8(&w, room->open);
	sn_wr_u64(&w, room->created);
	sn_wr_u64(&w, room->members);
	sn_wr_u64(&w, room->lower);
	sn_wr_u64(&w, room->higher);
	sn_wr_blob(&w, sn_bytes_of(room->name));
	sn_wr_blob(&w, sn_bytes_of(room->topic));
	sn_wr_u8(&w, room->history);
	record_finish(&w);
	if (w.bad)
		return (SN_EBUG);
	return (sn_txn_put(
	    txn, DB_ROOMS, db_bytes(&key), (struct sn_bytes){ space, w.n }));
}

enum sn_err room_put_member(struct sn_txn *txn, uint64_t room, uint64_t account,
    const struct room_member *member)
{
	uint8_t space[32];
	struct sn_wr w = sn_wr_over(space, sizeof(space));
	struct db_key key = db_key2(room, account);
	struct db_key back = db_key2(account, room);
	enum sn_err err;

	record_begin(&w, VERSION);
	sn_wr_u8(&w, (uint8_t)member->role);
	sn_wr_u64(&w, member->joined);
	record_finish(&w);
	if (w.bad)
		return (SN_EBUG);
	if ((err = sn_txn_put(txn, DB_MEMBERS, db_bytes(&key),
		 (struct sn_bytes){ space, w.n })) != SN_OK)
		return (err);
	return (
	    db_put_u64(txn, DB_ACCOUNT_ROOMS, db_bytes(&back), member->joined));
}

enum sn_err room_delete_member(
    struct sn_txn *txn, uint64_t room, uint64_t account)
{
	struct db_key key = db_key2(room, account);
	struct db_key back = db_key2(account, room);
	enum sn_err err;

	if ((err = sn_txn_delete(txn, DB_MEMBERS, db_bytes(&key))) != SN_OK)
		return (err);
	return (sn_txn_delete(txn, DB_ACCOUNT_ROOMS, db_bytes(&back)));
}
