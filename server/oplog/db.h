#ifndef SERVER_OPLOG_DB_H
#define SERVER_OPLOG_DB_H

#include <stdint.h>

#include "lib/store.h"
#include "server/base/db_key.h"

/*
 * The tables of net's database.  Keys are big-endian, so that their order
 * in the table is the order of numbers.  The files account.h, device.h,
 * room.h, message.h and cursor.h know what each row holds; apply.c alone
 * changes those that are shared, and cursors and last uses are this node's
 * own.
 *
 *	META           name -> u64
 *	LOG            seq -> operation (op.h)
 *	ROOM_INDEX     room id, seq -> nothing
 *	DEDUPE         message id, account id -> seq, time
 *	ACCOUNTS       account id -> account
 *	ACCOUNT_NAMES  name -> account id (not of deleted accounts)
 *	SUBJECTS       subject key -> account id
 *	TOMBSTONES     subject key -> time in seconds
 *	DEVICES        fingerprint -> device
 *	ACCOUNT_DEVICES account id, fingerprint -> nothing
 *	DEVICE_SEEN    fingerprint -> last login: time in ms, issuer
 *	ROOMS          room id -> room
 *	ROOM_NAMES     name -> room id
 *	DIRECTS        lower account id, higher account id -> room id
 *	MEMBERS        room id, account id -> member
 *	ACCOUNT_ROOMS  account id, room id -> seq joined at
 *	FORMERS        account id, name -> room id of its last conversation
 *	               with an account of that name that was deleted
 *	ACCOUNT_SEEN   account id -> time in ms when its last session ended
 *	CERTIFICATES   fingerprint -> certificate in DER
 *	CURSORS        fingerprint, consumer -> seq, seq it began at
 *	READS          room id, account id -> seq it has read up to
 *	EXPIRES        time in ms, seq -> nothing (messages with a ttl)
 *	USAGE          of what, id -> messages and bytes stored (usage.h)
 *	LIMITS         of what, id -> limit
 *	MAPPINGS       account id, subject key -> mapping
 */
/* clang-format off */
#define DB_TABLES(X)                                                        \
	X(META, "meta") X(LOG, "log") X(ROOM_INDEX, "room_index")           \
	X(DEDUPE, "dedupe") X(ACCOUNTS, "accounts")                         \
	X(ACCOUNT_NAMES, "account_names") X(SUBJECTS, "subjects")           \
	X(TOMBSTONES, "tombstones") X(DEVICES, "devices")                   \
	X(ACCOUNT_DEVICES, "account_devices") X(DEVICE_SEEN, "device_seen") \
	X(ROOMS, "rooms") X(ROOM_NAMES, "room_names") X(DIRECTS, "directs") \
	X(MEMBERS, "members") X(ACCOUNT_ROOMS, "account_rooms")             \
	X(CURSORS, "cursors") X(EXPIRES, "expires") X(USAGE, "usage")       \
	X(LIMITS, "limits") X(MAPPINGS, "mappings") X(FORMERS, "formers") X(READS, "reads") X(ACCOUNT_SEEN, "account_seen") X(CERTIFICATES, "certificates")
/* clang-format on */

#define X(name, text) DB_##name,
enum db_table { DB_TABLES(X) DB_TABLE_COUNT };
#undef X

/** The counters of META. */
#define DB_META_FORMAT "format"
#define DB_META_LAST_SEQ "last_seq"
#define DB_META_LAST_ACCOUNT "last_account"
#define DB_META_LAST_ROOM "last_room"
#define DB_META_LOG_ROWS "log_rows" /* See tally.h. */
#define DB_META_LOG_SUM "log_sum"
#define DB_META_JOURNAL "journal" /* The key of the journal beside it. */
#define DB_META_PURGED "purged"   /* The dedupe horizon's sequence. */
#define DB_META_CLOCK "clock" /* This node's wall time in ms, now and then. */

/**
 * db_open(dir, map_size, readers, latch, out, why):
 * Open or create the database, settled, with ${latch} or one of its own (see
 * struct sn_store_options); a latched one is only read.  SN_ENEWER when a newer sicherd wrote it;
 * nothing has been changed then.  One of an older format is migrated, after
 * a copy of it has been put beside it (db_migrate.h).
 */
enum sn_err db_open(const char *dir, uint64_t map_size, unsigned readers,
    atomic_int *latch, struct sn_store **out, struct sn_why *why) SN_MUST_USE;

/** db_open_to_read(dir, out, why): for a check beside a running server. */
enum sn_err db_open_to_read(
    const char *dir, struct sn_store **out, struct sn_why *why) SN_MUST_USE;

/** db_last_seq(store, out): the log's last place, in a transaction of its
 * own; 0 when nothing was ever said. */
enum sn_err db_last_seq(struct sn_store *store, uint64_t *out) SN_MUST_USE;

/** db_skip(store, places, ids): leave ${places} places of the log, and ${ids}
 * ids of accounts and of rooms, out for ever; and no journal is this copy's. */
enum sn_err db_skip(
    struct sn_store *store, uint64_t places, uint64_t ids) SN_MUST_USE;

/** db_table_name(table): "log"; static storage. */
const char *db_table_name(enum db_table table);

/** db_get_u64(txn, table, key, out): read such a value.  SN_ENOTFOUND. */
enum sn_err db_get_u64(struct sn_txn *txn, enum db_table table,
    struct sn_bytes key, uint64_t *out) SN_MUST_USE;
enum sn_err db_put_u64(struct sn_txn *txn, enum db_table table,
    struct sn_bytes key, uint64_t value) SN_MUST_USE;

/** db_meta(txn, name, out): a counter; 0 when it was never set. */
enum sn_err db_meta(
    struct sn_txn *txn, const char *name, uint64_t *out) SN_MUST_USE;
enum sn_err db_meta_set(
    struct sn_txn *txn, const char *name, uint64_t value) SN_MUST_USE;

#endif
