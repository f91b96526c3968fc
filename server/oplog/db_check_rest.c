#include <string.h>

#include "lib/subject.h"
#include "server/base/record.h"
#include "server/oplog/db_check.h"
#include "server/oplog/dedupe.h"
#include "server/oplog/device.h"
#include "server/oplog/limit.h"
#include "server/oplog/op.h"
#include "server/oplog/room.h"

#define N(x) ((unsigned long long)(x))

static void odd(struct db_check *c, const char *table, struct sn_bytes key)
{
	char hex[2 * 48 + 1];

	db_check_found(c, "%s: the row %s is not one", table,
	    sn_bytes_hex(key.p, key.n < 48 ? key.n : 48, hex));
}

/* What an id must lead to; SN_OK though it does not, which is told. */
static enum sn_err needs_account(
    struct sn_txn *txn, struct db_check *c, const char *table, uint64_t id)
{
	struct account a;
	enum sn_err err = account_get(txn, id, &a);

	if (err == SN_ENOTFOUND)
		db_check_found(c, "%s: there is no account %llu", table, N(id));
	/* A damaged one has been told. */
	return (sn_txn_error(txn));
}

static enum sn_err needs_room(
    struct sn_txn *txn, struct db_check *c, const char *table, uint64_t id)
{
	struct room room;

	if (room_get(txn, id, &room) == SN_ENOTFOUND)
		db_check_found(c, "%s: there is no room %llu", table, N(id));
	return (sn_txn_error(txn));
}

static enum sn_err needs_device(struct sn_txn *txn, struct db_check *c,
    const char *table, const uint8_t *fingerprint)
{
	char hex[2 * DEVICE_FINGERPRINT + 1];
	struct device d;

	if (device_get(txn, fingerprint, &d) == SN_ENOTFOUND)
		db_check_found(c, "%s: there is no device %s", table,
		    sn_bytes_hex(fingerprint, DEVICE_FINGERPRINT, hex));
	return (sn_txn_error(txn));
}

/* The operation at a place that a row names; ${kind} 0 when there is none, or
 * none that can be read, which the log's own check has told. */
static enum sn_err op_at(struct sn_txn *txn, uint64_t seq, struct op *op)
{
	struct db_key place = db_key1(seq);
	struct sn_bytes row;
	enum sn_err err = sn_txn_get(txn, DB_LOG, db_bytes(&place), &row);

	if (err == SN_OK && op_decode(row, op) == SN_OK)
		return (SN_OK);
	memset(op, 0, sizeof(*op));
	return (err == SN_OK ? SN_ECORRUPT : err);
}

static enum sn_err dedupe_row(struct sn_txn *txn, struct db_check *c,
    struct sn_bytes key, struct sn_bytes value, void *arg)
{
	struct sn_rd r = sn_rd_over(value.p, value.n);
	uint64_t seq = sn_rd_u64(&r);
	struct dedupe_key id;
	struct op op;
	enum sn_err err;

	(void)arg;
	(void)sn_rd_u64(&r);
	if (!sn_rd_end(&r) || key.n != sizeof(id.bytes)) {
		odd(c, "dedupe", key);
		return (SN_OK);
	}
	err = op_at(txn, seq, &op);
	if (err == SN_ECORRUPT)
		return (SN_OK);
	if (err != SN_OK && err != SN_ENOTFOUND)
		return (err);
	if (op.kind == OP_MESSAGE)
		id = dedupe_key(op.message.id, op.message.sender);
	else if (op.kind == OP_FORGOTTEN)
		id = dedupe_key(op.forgotten.id, op.forgotten.sender);
	else
		memset(&id, 0, sizeof(id));
	if (memcmp(id.bytes, key.p, key.n) != 0)
		db_check_found(c,
		    "dedupe: an id leads to %llu, where another operation is "
		    "or none; sent again its message would be lost",
		    N(seq));
	return (SN_OK);
}

static enum sn_err expires_row(struct sn_txn *txn, struct db_check *c,
    struct sn_bytes key, struct sn_bytes value, void *arg)
{
	struct sn_rd r = sn_rd_over(key.p, key.n);
	uint64_t time = sn_rd_u64(&r), seq = sn_rd_u64(&r);
	struct op op;
	enum sn_err err;

	(void)arg;
	if (!sn_rd_end(&r) || value.n != 0) {
		odd(c, "expires", key);
		return (SN_OK);
	}
	err = op_at(txn, seq, &op);
	if (err == SN_ECORRUPT)
		return (SN_OK);
	if (err != SN_OK && err != SN_ENOTFOUND)
		return (err);
	if (op.kind != OP_MESSAGE || op.message.expires != time)
		db_check_found(c,
		    "expires: the message %llu has no such end, or is missing",
		    N(seq));
	return (SN_OK);
}

static enum sn_err tombstone_row(struct sn_txn *txn, struct db_check *c,
    struct sn_bytes key, struct sn_bytes value, void *arg)
{
	const uint8_t *p = key.p;
	uint64_t when;

	(void)txn;
	(void)arg;
	if (key.n < 2 ||
	    (p[0] != SN_SUBJECT_DN && p[0] != SN_SUBJECT_CN &&
		p[0] != SN_SUBJECT_SAN_URI) ||
	    db_u64(value, &when) != SN_OK || when == 0)
		odd(c, "tombstones", key);
	return (SN_OK);
}

static enum sn_err device_seen_row(struct sn_txn *txn, struct db_check *c,
    struct sn_bytes key, struct sn_bytes value, void *arg)
{
	(void)arg;
	if (key.n == DEVICE_FINGERPRINT &&
	    (value.n == sizeof(uint64_t) || value.n == DEVICE_SEEN_MAX))
		return (needs_device(txn, c, "device_seen", key.p));
	odd(c, "device_seen", key);
	return (SN_OK);
}

static enum sn_err account_seen_row(struct sn_txn *txn, struct db_check *c,
    struct sn_bytes key, struct sn_bytes value, void *arg)
{
	uint64_t id, when;

	(void)arg;
	if (db_u64(key, &id) == SN_OK && db_u64(value, &when) == SN_OK)
		return (needs_account(txn, c, "account_seen", id));
	odd(c, "account_seen", key);
	return (SN_OK);
}

static enum sn_err certificate_row(struct sn_txn *txn, struct db_check *c,
    struct sn_bytes key, struct sn_bytes value, void *arg)
{
	struct sn_rd r;

	(void)arg;
	/* Of any version: whether this sicherd knows it is another matter. */
	if (key.n == DEVICE_FINGERPRINT &&
	    record_open(value, UINT8_MAX, &r) == SN_OK)
		return (needs_device(txn, c, "certificates", key.p));
	odd(c, "certificates", key);
	return (SN_OK);
}

static enum sn_err cursor_row(struct sn_txn *txn, struct db_check *c,
    struct sn_bytes key, struct sn_bytes value, void *arg)
{
	const uint64_t *last = arg;
	struct sn_rd k = sn_rd_over(key.p, key.n);
	struct sn_rd v = sn_rd_over(value.p, value.n);
	const uint8_t *fingerprint = sn_rd_take(&k, DEVICE_FINGERPRINT);
	uint64_t seq = sn_rd_u64(&v), start = 0;

	if (v.left > 0)
		start = sn_rd_u64(&v);
	if (k.bad || !sn_rd_end(&v) ||
	    !sn_name_consumer((struct sn_bytes){ k.p, k.left })) {
		odd(c, "cursors", key);
		return (SN_OK);
	}
	if (seq > *last || start > seq)
		db_check_found(c,
		    "cursors: one stands at %llu, having begun at %llu, and "
		    "the log ends at %llu; its device misses messages",
		    N(seq), N(start), N(*last));
	return (needs_device(txn, c, "cursors", fingerprint));
}

static enum sn_err read_row(struct sn_txn *txn, struct db_check *c,
    struct sn_bytes key, struct sn_bytes value, void *arg)
{
	const uint64_t *last = arg;
	struct sn_rd r = sn_rd_over(key.p, key.n);
	uint64_t room = sn_rd_u64(&r), account = sn_rd_u64(&r), seq;
	enum sn_err err;

	if (!sn_rd_end(&r) || db_u64(value, &seq) != SN_OK) {
		odd(c, "reads", key);
		return (SN_OK);
	}
	if (seq > *last)
		db_check_found(c,
		    "reads: the account %llu has read the room %llu up to "
		    "%llu, and the log ends at %llu",
		    N(account), N(room), N(seq), N(*last));
	if ((err = needs_room(txn, c, "reads", room)) != SN_OK)
		return (err);
	return (needs_account(txn, c, "reads", account));
}

/* A conversation with one who was deleted, by the name he had. */
static enum sn_err former_row(struct sn_txn *txn, struct db_check *c,
    struct sn_bytes key, struct sn_bytes value, void *arg)
{
	struct sn_rd r = sn_rd_over(key.p, key.n);
	uint64_t account = sn_rd_u64(&r), id = 0;
	struct sn_bytes name = { r.p, r.left };
	struct account other;
	struct room room;

	(void)arg;
	if (r.bad || !sn_name_account(name) || db_u64(value, &id) != SN_OK) {
		odd(c, "formers", key);
		return (SN_OK);
	}
	if (room_get(txn, id, &room) != SN_OK || room.kind != ROOM_DIRECT ||
	    (room.lower != account && room.higher != account) ||
	    account_get(txn, room.lower == account ? room.higher : room.lower,
		&other) != SN_OK ||
	    other.state != ACCOUNT_DELETED ||
	    !sn_bytes_equal(name, sn_bytes_of(other.name)))
		db_check_found(c,
		    "formers: the account %llu had no conversation with "
		    "somebody of that name in the room %llu",
		    N(account), N(id));
	return (sn_txn_error(txn));
}

static enum sn_err limit_row(struct sn_txn *txn, struct db_check *c,
    struct sn_bytes key, struct sn_bytes value, void *arg)
{
	struct sn_rd r = sn_rd_over(key.p, key.n);
	uint64_t of = sn_rd_u64(&r), id = sn_rd_u64(&r);
	struct limit limit;

	(void)value;
	(void)arg;
	if (!sn_rd_end(&r) || (of != USAGE_ACCOUNT && of != USAGE_ROOM) ||
	    limit_own(txn, (enum usage_of)of, id, &limit) != SN_OK) {
		odd(c, "limits", key);
		return (sn_txn_error(txn));
	}
	if (id == 0)
		return (SN_OK);
	return (of == USAGE_ROOM ? needs_room(txn, c, "limits", id)
				 : needs_account(txn, c, "limits", id));
}

/* A counter from which the next id is made, and the last id there is. */
static enum sn_err check_last(struct sn_txn *txn, struct db_check *c,
    const char *name, enum db_table table)
{
	struct sn_bytes key, value;
	struct sn_cursor *cursor;
	uint64_t said, last = 0;
	enum sn_err err;

	if ((err = db_meta(txn, name, &said)) != SN_OK ||
	    (err = sn_cursor_open(txn, table, &cursor)) != SN_OK)
		return (err);
	err = sn_cursor_last(cursor, &key, &value);
	if (err == SN_OK && db_u64(key, &last) == SN_OK && last > said)
		db_check_found(c,
		    "meta: %s is %llu, and %s has %llu; an id would be used "
		    "twice",
		    name, N(said), db_table_name(table), N(last));
	sn_cursor_close(cursor);
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

enum sn_err db_check_rest(struct sn_txn *txn, struct db_check *c)
{
	static const struct {
		enum db_table table;
		db_check_row *row;
	} walks[] = {
		{ DB_DEDUPE, dedupe_row },
		{ DB_EXPIRES, expires_row },
		{ DB_TOMBSTONES, tombstone_row },
		{ DB_DEVICE_SEEN, device_seen_row },
		{ DB_ACCOUNT_SEEN, account_seen_row },
		{ DB_CERTIFICATES, certificate_row },
		{ DB_CURSORS, cursor_row },
		{ DB_READS, read_row },
		{ DB_FORMERS, former_row },
		{ DB_LIMITS, limit_row },
	};
	uint64_t last;
	enum sn_err err;

	if ((err = db_meta(txn, DB_META_LAST_SEQ, &last)) != SN_OK ||
	    (err = check_last(txn, c, DB_META_LAST_ACCOUNT, DB_ACCOUNTS)) !=
		SN_OK ||
	    (err = check_last(txn, c, DB_META_LAST_ROOM, DB_ROOMS)) != SN_OK)
		return (err);
	for (size_t i = 0; i < sizeof(walks) / sizeof(*walks); i++) {
		if ((err = db_check_each(
			 txn, c, walks[i].table, walks[i].row, &last)) != SN_OK)
			return (err);
	}
	return (SN_OK);
}
