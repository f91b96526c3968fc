#include <string.h>

#include "server/oplog/account.h"
#include "server/oplog/db_check.h"
#include "server/oplog/device.h"
#include "server/oplog/mapping.h"
#include "server/oplog/room.h"

#define N(x) ((unsigned long long)(x))

/* True when the row is as it should be; a damaged one is told. */
static bool good(
    struct db_check *c, const char *table, uint64_t id, enum sn_err err)
{
	if (err == SN_OK)
		return (true);
	if (err == SN_ENOTFOUND)
		db_check_found(c, "%s: %llu is missing", table, N(id));
	else
		db_check_found(
		    c, "%s: %llu: %s", table, N(id), sn_err_text(err));
	return (false);
}

/* That ${table} leads from ${key} to ${id}. */
static void leads_to(struct sn_txn *txn, struct db_check *c,
    enum db_table table, struct sn_bytes key, uint64_t id)
{
	uint64_t there = 0;
	enum sn_err err = db_get_u64(txn, table, key, &there);

	if (err == SN_ENOTFOUND)
		db_check_found(c, "%s: the way to %llu is missing",
		    db_table_name(table), N(id));
	else if (err != SN_OK)
		db_check_found(c, "%s: the way to %llu: %s",
		    db_table_name(table), N(id), sn_err_text(err));
	else if (there != id)
		db_check_found(c, "%s: the way to %llu leads to %llu",
		    db_table_name(table), N(id), N(there));
}

static enum sn_err account_row(struct sn_txn *txn, struct db_check *c,
    struct sn_bytes key, struct sn_bytes value, void *arg)
{
	struct account a;
	uint64_t id = 0;

	(void)value;
	(void)arg;
	if (!good(c, "accounts", id, db_u64(key, &id)))
		return (SN_OK);
	if (!good(c, "accounts", id, account_get(txn, id, &a)) ||
	    a.state == ACCOUNT_DELETED)
		return (SN_OK);
	leads_to(txn, c, DB_ACCOUNT_NAMES, sn_bytes_of(a.name), id);
	/* Under rule dn it has none of its own. */
	if (a.subject_len > 0)
		leads_to(txn, c, DB_SUBJECTS,
		    (struct sn_bytes){ a.subject, a.subject_len }, id);
	return (SN_OK);
}

static enum sn_err account_name_row(struct sn_txn *txn, struct db_check *c,
    struct sn_bytes key, struct sn_bytes value, void *arg)
{
	struct account a;
	uint64_t id = 0;

	(void)arg;
	if (!good(c, "account_names", id, db_u64(value, &id)) ||
	    !good(c, "accounts", id, account_get(txn, id, &a)))
		return (SN_OK);
	if (!sn_bytes_equal(key, sn_bytes_of(a.name)))
		db_check_found(c,
		    "account_names: \"%.*s\" leads to the account %s",
		    (int)key.n, (const char *)key.p, a.name);
	return (SN_OK);
}

static enum sn_err subject_row(struct sn_txn *txn, struct db_check *c,
    struct sn_bytes key, struct sn_bytes value, void *arg)
{
	struct account a;
	uint64_t id = 0;

	(void)arg;
	if (!good(c, "subjects", id, db_u64(value, &id)) ||
	    !good(c, "accounts", id, account_get(txn, id, &a)) ||
	    sn_bytes_equal(key, (struct sn_bytes){ a.subject, a.subject_len }))
		return (SN_OK);
	/* Not the one it was made with, so it was mapped. */
	(void)good(c, "mappings", id, mapping_get(txn, id, key));
	return (SN_OK);
}

static enum sn_err mapping_row(struct sn_txn *txn, struct db_check *c,
    struct sn_bytes key, struct sn_bytes value, void *arg)
{
	struct mapping m = { .account = 0 };

	(void)arg;
	if (good(c, "mappings", m.account, mapping_parse(key, value, &m)))
		leads_to(txn, c, DB_SUBJECTS, mapping_key(&m), m.account);
	return (SN_OK);
}

/* That the account's list has the device. */
static void is_listed(
    struct sn_txn *txn, struct db_check *c, const struct device *d)
{
	uint8_t key[8 + DEVICE_FINGERPRINT];
	struct sn_wr w = sn_wr_over(key, sizeof(key));
	struct sn_bytes value;

	sn_wr_u64(&w, d->account);
	sn_wr_put(&w, d->fingerprint, DEVICE_FINGERPRINT);
	if (sn_txn_get(txn, DB_ACCOUNT_DEVICES, (struct sn_bytes){ key, w.n },
		&value) == SN_ENOTFOUND)
		db_check_found(c,
		    "account_devices: a device of the account %llu is missing",
		    N(d->account));
}

static enum sn_err device_row(struct sn_txn *txn, struct db_check *c,
    struct sn_bytes key, struct sn_bytes value, void *arg)
{
	struct account a;
	struct device d;
	enum sn_err err;

	(void)value;
	(void)arg;
	if (key.n != DEVICE_FINGERPRINT) {
		db_check_found(c, "devices: a key of %zu bytes", key.n);
		return (SN_OK);
	}
	if ((err = device_get(txn, key.p, &d)) != SN_OK) {
		char hex[2 * DEVICE_FINGERPRINT + 1];

		db_check_found(c, "devices: %s: %s",
		    sn_bytes_hex(key.p, key.n, hex), sn_err_text(err));
		return (SN_OK);
	}
	if (good(c, "accounts", d.account, account_get(txn, d.account, &a)))
		is_listed(txn, c, &d);
	return (SN_OK);
}

static enum sn_err account_device_row(struct sn_txn *txn, struct db_check *c,
    struct sn_bytes key, struct sn_bytes value, void *arg)
{
	struct sn_rd r = sn_rd_over(key.p, key.n);
	uint64_t account = sn_rd_u64(&r);
	const uint8_t *fingerprint = sn_rd_take(&r, DEVICE_FINGERPRINT);
	struct device d;

	(void)arg;
	if (!sn_rd_end(&r) || value.n != 0)
		db_check_found(c,
		    "account_devices: a key of %zu bytes with %zu more", key.n,
		    value.n);
	else if (device_get(txn, fingerprint, &d) == SN_ENOTFOUND)
		db_check_found(c, "devices: one of the account %llu is missing",
		    N(account));
	return (SN_OK);
}

/* How many members and owners a room has, as its rows are walked. */
static enum sn_err count_members(
    struct sn_txn *txn, uint64_t room, uint64_t *out, uint64_t *owners)
{
	struct db_key from = db_key2(room, 0);
	struct sn_bytes key, value;
	struct room_member member;
	struct sn_cursor *cursor;
	enum sn_err err;

	*out = *owners = 0;
	if ((err = sn_cursor_open(txn, DB_MEMBERS, &cursor)) != SN_OK)
		return (err);
	err = sn_cursor_seek(cursor, db_bytes(&from), &key, &value);
	while (err == SN_OK) {
		struct sn_rd r = sn_rd_over(key.p, key.n);

		if (sn_rd_u64(&r) != room)
			break;
		++*out;
		if (room_member(txn, room, sn_rd_u64(&r), &member) == SN_OK)
			*owners += member.role == ROOM_OWNER;
		err = sn_cursor_next(cursor, &key, &value);
	}
	sn_cursor_close(cursor);
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

static enum sn_err room_row(struct sn_txn *txn, struct db_check *c,
    struct sn_bytes key, struct sn_bytes value, void *arg)
{
	uint64_t id = 0, members, owners;
	struct db_key pair;
	struct room room;
	enum sn_err err;

	(void)value;
	(void)arg;
	if (!good(c, "rooms", id, db_u64(key, &id)) ||
	    !good(c, "rooms", id, room_get(txn, id, &room)))
		return (SN_OK);
	if ((err = count_members(txn, id, &members, &owners)) != SN_OK)
		return (err);
	pair = db_key2(room.lower, room.higher);
	if (room.kind == ROOM_DIRECT)
		leads_to(txn, c, DB_DIRECTS, db_bytes(&pair), id);
	else if (room.kind == ROOM_NAMED)
		leads_to(txn, c, DB_ROOM_NAMES, sn_bytes_of(room.name), id);
	if (members != room.members)
		db_check_found(c,
		    "rooms: %llu is said to have %llu members and has %llu",
		    N(id), N(room.members), N(members));
	else if (room.kind == ROOM_NAMED && owners == 0)
		db_check_found(c, "rooms: %llu has no owner", N(id));
	return (SN_OK);
}

static enum sn_err to_room_row(struct sn_txn *txn, struct db_check *c,
    struct sn_bytes key, struct sn_bytes value, void *arg)
{
	struct room room;
	uint64_t id = 0;

	(void)key;
	if (good(c, arg, id, db_u64(value, &id)))
		(void)good(c, "rooms", id, room_get(txn, id, &room));
	return (SN_OK);
}

static enum sn_err member_row(struct sn_txn *txn, struct db_check *c,
    struct sn_bytes key, struct sn_bytes value, void *arg)
{
	struct sn_rd r = sn_rd_over(key.p, key.n);
	uint64_t room = sn_rd_u64(&r), account = sn_rd_u64(&r), joined;
	struct db_key back = db_key2(account, room);
	struct room_member member;
	enum sn_err err;

	(void)value;
	(void)arg;
	if (!sn_rd_end(&r)) {
		db_check_found(c, "members: a key of %zu bytes", key.n);
		return (SN_OK);
	}
	if (!good(c, "members", room, room_member(txn, room, account, &member)))
		return (SN_OK);
	err = db_get_u64(txn, DB_ACCOUNT_ROOMS, db_bytes(&back), &joined);
	if (err == SN_ENOTFOUND || (err == SN_OK && joined != member.joined))
		db_check_found(c,
		    "account_rooms: the account %llu and the room %llu: not "
		    "what members says",
		    N(account), N(room));
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

static enum sn_err account_room_row(struct sn_txn *txn, struct db_check *c,
    struct sn_bytes key, struct sn_bytes value, void *arg)
{
	struct sn_rd r = sn_rd_over(key.p, key.n);
	uint64_t account = sn_rd_u64(&r), room = sn_rd_u64(&r);
	struct room_member member;

	(void)value;
	(void)arg;
	if (room_member(txn, room, account, &member) == SN_ENOTFOUND)
		db_check_found(c,
		    "members: the account %llu is missing from the room %llu",
		    N(account), N(room));
	return (SN_OK);
}

enum sn_err db_check_people(struct sn_txn *txn, struct db_check *c)
{
	static char room_names[] = "room_names", directs[] = "directs";
	const struct {
		enum db_table table;
		db_check_row *row;
		char *arg;
	} walks[] = {
		{ DB_ACCOUNTS, account_row, NULL },
		{ DB_ACCOUNT_NAMES, account_name_row, NULL },
		{ DB_SUBJECTS, subject_row, NULL },
		{ DB_MAPPINGS, mapping_row, NULL },
		{ DB_DEVICES, device_row, NULL },
		{ DB_ACCOUNT_DEVICES, account_device_row, NULL },
		{ DB_ROOMS, room_row, NULL },
		{ DB_ROOM_NAMES, to_room_row, room_names },
		{ DB_DIRECTS, to_room_row, directs },
		{ DB_MEMBERS, member_row, NULL },
		{ DB_ACCOUNT_ROOMS, account_room_row, NULL },
	};
	enum sn_err err;

	for (size_t i = 0; i < sizeof(walks) / sizeof(*walks); i++) {
		if ((err = db_check_each(txn, c, walks[i].table, walks[i].row,
			 walks[i].arg)) != SN_OK)
			return (err);
	}
	return (SN_OK);
}
