#ifndef SN_LIB_STORE_H
#define SN_LIB_STORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/bytes.h"
#include "lib/err.h"

/*
 * The one door to LMDB.
 *
 * Errors: SN_ENOTFOUND and SN_EEXISTS are answers and leave a transaction
 * usable.  Any other error sticks: the transaction can only be aborted, and
 * its commit fails with that first error.  A transaction is ended exactly
 * once, by sn_txn_commit or sn_txn_abort, and is freed by either.
 *
 * SN_ESTOREFULL: the disk or the map is full; nothing of the transaction
 * has been kept, and a later one succeeds once there is room.
 * SN_ESTORE after a failed write or sync latches: every later write
 * transaction is refused with SN_ESTORE until the store is opened anew with
 * another latch, because a commit after a failed fdatasync succeeds without
 * being true.
 *
 * A store is opened after fork.  Several processes may have one open at
 * once (sicher-ca run twice); LMDB's own lock lets one of them write.
 */
struct sn_store;
struct sn_txn;
struct sn_cursor;

/* A table is named by its index in the array given to sn_store_open. */
struct sn_store_table {
	const char *name;
	bool integer_key; /* Keys are native size_t (MDB_INTEGERKEY). */
	bool later; /* Older stores lack it: must_exist lets it be made. */
};

struct sn_store_options {
	const char *dir;   /* Made (0700) when missing, with its files 0600. */
	uint64_t map_size; /* Bytes; the database can never grow beyond. */
	unsigned max_readers;
	const struct sn_store_table *tables;
	unsigned table_count;
	bool read_only;
	/* Nothing there, or a table missing, is damage: SN_ECORRUPT. */
	bool must_exist;
	/*
	 * Write the meta pages once more, and sync them, before anything else.
	 * After a failed write of one the page cache and the disk may say
	 * different things of what is in force, and pages that the disk's
	 * still needs would be overwritten.  Where this fails too the store
	 * opens latched.
	 */
	bool settle;
	/* Not 0 when a write failed; may lie in memory that outlives the
	 * process, so that the next one to open the store knows.  NULL: the
	 * store has one of its own. */
	atomic_int *latch;
};

/** sn_store_open(options, out, why): SN_ENOTFOUND when a table that came
 * later is missing and cannot be made, being read-only; SN_ESTORE, SN_EMODE, SN_ECORRUPT when
 * the file is shorter than its own meta page says, SN_ENOMEM. */
enum sn_err sn_store_open(const struct sn_store_options *options,
    struct sn_store **out, struct sn_why *why) SN_MUST_USE;

/** sn_store_close(store): no transaction may be open. NULL is fine. */
void sn_store_close(struct sn_store *store);

/** sn_store_latch(store, number): refuse every write from now on, with
 * SN_ESTORE; errno ${number} is the reason, 0: the one that there is.
 * sn_store_latched(store): whether they are. */
void sn_store_latch(struct sn_store *store, int number);
bool sn_store_latched(const struct sn_store *store);

/** sn_store_panicked(store): LMDB does not know any more what is on the disk
 * and answers nothing, reads included, until the store is opened anew. */
bool sn_store_panicked(const struct sn_store *store);

/** sn_store_used(store, used, map): bytes of the file, and the map's size. */
void sn_store_used(struct sn_store *store, uint64_t *used, uint64_t *map);

/* Bytes of the map: in use, given back and used again, and all. */
struct sn_store_room {
	uint64_t used;
	uint64_t free; /* Pages inside the file that hold nothing. */
	uint64_t size;
};

/** sn_store_room(store, out): by a walk over the list of free pages. */
enum sn_err sn_store_room(
    struct sn_store *store, struct sn_store_room *out) SN_MUST_USE;

/**
 * sn_store_reserve(store, bytes):
 * Take room on the disk, so that the database can grow by ${bytes} and finds
 * neither the disk nor the map full.  Costs nothing while there is still so
 * much from an earlier call, and takes nothing where the file system cannot do
 * that.  SN_ESTOREFULL, SN_EIO.
 */
enum sn_err sn_store_reserve(
    struct sn_store *store, uint64_t bytes) SN_MUST_USE;

/**
 * sn_store_copy(store, fd, why):
 * Write a consistent copy to ${fd} while others read and write.
 */
enum sn_err sn_store_copy(
    struct sn_store *store, int fd, struct sn_why *why) SN_MUST_USE;

/** sn_store_map_full(store): what was full last was the map, not the disk. */
bool sn_store_map_full(const struct sn_store *store);

/** Why the last operation that failed for a reason of LMDB's did so. */
const char *sn_store_reason(const struct sn_store *store);

/** sn_txn_write(store, out): begin the one write transaction; waits for
 * another process's.  sn_txn_read: begin a snapshot, not tied to a thread. */
enum sn_err sn_txn_write(
    struct sn_store *store, struct sn_txn **out) SN_MUST_USE;
enum sn_err sn_txn_read(
    struct sn_store *store, struct sn_txn **out) SN_MUST_USE;

/** Let go of a reader's snapshot, keeping its slot; renew takes a new one. */
void sn_txn_reset(struct sn_txn *txn);
enum sn_err sn_txn_renew(struct sn_txn *txn) SN_MUST_USE;

/**
 * sn_txn_note(txn):
 * SN_TXN_NOTE bytes for whoever uses the transaction, all zero when it begins
 * and after sn_txn_renew: for what was found out in it and holds as long as it
 * lasts.
 */
#define SN_TXN_NOTE 264
uint8_t *sn_txn_note(struct sn_txn *txn);

/** sn_txn_commit(txn): durable (fsynced) on SN_OK; frees ${txn} always. */
enum sn_err sn_txn_commit(struct sn_txn *txn) SN_MUST_USE;

/** sn_txn_abort(txn): frees ${txn}; NULL is fine. */
void sn_txn_abort(struct sn_txn *txn);

/** sn_txn_error(txn): the error that stuck, or SN_OK. */
enum sn_err sn_txn_error(const struct sn_txn *txn);

/** sn_txn_get: *${value} points into the map: valid until the transaction
 * ends or, in a write transaction, writes next.  SN_ENOTFOUND. */
enum sn_err sn_txn_get(struct sn_txn *txn, unsigned table, struct sn_bytes key,
    struct sn_bytes *value) SN_MUST_USE;

/** sn_txn_put: insert or replace.  sn_txn_insert: SN_EEXISTS when there;
 * fastest while keys rise.  sn_txn_append: insert behind every other key of
 * the table (in the order of keys); SN_EEXISTS when ${key} is not the
 * greatest. */
enum sn_err sn_txn_put(struct sn_txn *txn, unsigned table, struct sn_bytes key,
    struct sn_bytes value) SN_MUST_USE;
enum sn_err sn_txn_insert(struct sn_txn *txn, unsigned table,
    struct sn_bytes key, struct sn_bytes value) SN_MUST_USE;
enum sn_err sn_txn_append(struct sn_txn *txn, unsigned table,
    struct sn_bytes key, struct sn_bytes value) SN_MUST_USE;

/** sn_txn_delete: SN_ENOTFOUND when there was none. */
enum sn_err sn_txn_delete(
    struct sn_txn *txn, unsigned table, struct sn_bytes key) SN_MUST_USE;

struct sn_store_size {
	uint64_t rows, bytes; /* Bytes of whole pages. */
};

/** sn_txn_size(txn, table, out): what a table takes. */
enum sn_err sn_txn_size(
    struct sn_txn *txn, unsigned table, struct sn_store_size *out) SN_MUST_USE;

/** sn_txn_count: number of rows of a table. */
enum sn_err sn_txn_count(
    struct sn_txn *txn, unsigned table, uint64_t *out) SN_MUST_USE;

/*
 * A cursor walks one table in the order of its keys (memcmp).  Every move
 * returns SN_ENOTFOUND past the end; on SN_OK key and value are in place.
 * Closed before its transaction ends; those of a reset reader are renewed
 * with sn_cursor_renew.
 */
enum sn_err sn_cursor_open(
    struct sn_txn *txn, unsigned table, struct sn_cursor **out) SN_MUST_USE;
void sn_cursor_close(struct sn_cursor *c);
enum sn_err sn_cursor_renew(
    struct sn_txn *txn, struct sn_cursor *c) SN_MUST_USE;
enum sn_err sn_cursor_first(struct sn_cursor *c, struct sn_bytes *key,
    struct sn_bytes *value) SN_MUST_USE;
enum sn_err sn_cursor_last(struct sn_cursor *c, struct sn_bytes *key,
    struct sn_bytes *value) SN_MUST_USE;
/** The first row whose key is ${from} or greater. */
enum sn_err sn_cursor_seek(struct sn_cursor *c, struct sn_bytes from,
    struct sn_bytes *key, struct sn_bytes *value) SN_MUST_USE;
enum sn_err sn_cursor_next(struct sn_cursor *c, struct sn_bytes *key,
    struct sn_bytes *value) SN_MUST_USE;
enum sn_err sn_cursor_prev(struct sn_cursor *c, struct sn_bytes *key,
    struct sn_bytes *value) SN_MUST_USE;
/** Delete the row under the cursor; sn_cursor_next then moves past it. */
enum sn_err sn_cursor_delete(struct sn_cursor *c) SN_MUST_USE;

#endif
