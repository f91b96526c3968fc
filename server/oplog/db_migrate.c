#include "server/oplog/db_migrate.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/log.h"
#include "server/oplog/apply.h"
#include "server/oplog/db.h"
#include "server/oplog/tally.h"

static enum sn_err write_copy(
    struct sn_store *store, const char *path, struct sn_why *why)
{
	enum sn_err err;
	int fd;

	/* One that an interrupted migration left is not whole. */
	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return (sn_why_errno(why, SN_EIO, "cannot write %s", path));
	err = sn_store_copy(store, fd, why);
	if (err == SN_OK && fdatasync(fd) != 0)
		err = sn_why_errno(why, SN_EIO, "cannot write %s", path);
	(void)close(fd);
	return (err);
}

/* Under its name only when it is whole, and before anything is changed. */
static enum sn_err keep_copy(struct sn_store *store, const char *dir,
    const char *path, struct sn_why *why)
{
	char part[4112];
	enum sn_err err;

	(void)snprintf(part, sizeof(part), "%s.part", path);
	if ((err = write_copy(store, part, why)) == SN_OK &&
	    rename(part, path) != 0)
		err = sn_why_errno(why, SN_EIO, "cannot make %s", path);
	if (err != SN_OK) {
		(void)unlink(part);
		return (err);
	}
	return (sn_file_sync_folder(dir, why));
}

static enum sn_err count_one(struct sn_txn *txn, struct tally *tally,
    enum usage_of of, uint64_t id, size_t bytes)
{
	struct tally_entry *e;
	enum sn_err err;

	if ((err = tally_entry(tally, txn, of, id, &e)) != SN_OK)
		return (err);
	e->usage.messages++;
	e->usage.bytes += bytes;
	return (SN_OK);
}

static enum sn_err count_row(
    struct sn_txn *txn, struct tally *tally, uint64_t seq, struct sn_bytes row)
{
	struct op op;
	uint64_t room;
	enum sn_err err;

	tally_row(tally, seq, row, 1);
	/* A damaged row is counted as a row, and told by a check. */
	if (op_decode(row, &op) != SN_OK || op.kind != OP_MESSAGE)
		return (SN_OK);
	room = op.message.target;
	if (op.message.direct &&
	    (err = apply_must(room_direct(
		 txn, op.message.sender, op.message.target, &room))) != SN_OK)
		return (err);
	if ((err = count_one(txn, tally, USAGE_SERVER, 0, row.n)) != SN_OK ||
	    (err = count_one(
		 txn, tally, USAGE_ACCOUNT, op.message.sender, row.n)) != SN_OK)
		return (err);
	return (count_one(txn, tally, USAGE_ROOM, room, row.n));
}

/* 1 to 2: count what is there. */
static enum sn_err count_log(struct sn_txn *txn)
{
	struct tally tally = { .first = NULL };
	struct sn_bytes key, row;
	struct sn_cursor *c;
	uint64_t seq;
	enum sn_err err;

	if ((err = sn_cursor_open(txn, DB_LOG, &c)) != SN_OK)
		return (err);
	err = sn_cursor_first(c, &key, &row);
	while (err == SN_OK) {
		if ((err = db_u64(key, &seq)) != SN_OK ||
		    (err = count_row(txn, &tally, seq, row)) != SN_OK)
			break;
		err = sn_cursor_next(c, &key, &row);
	}
	sn_cursor_close(c);
	if (err == SN_ENOTFOUND)
		err = tally_store(&tally, txn);
	tally_free(&tally);
	return (err);
}

/* Its log makes the journal when it begins. */
static enum sn_err change_nothing(struct sn_txn *txn)
{
	(void)txn;
	return (SN_OK);
}

/* From the format of its place, counted from 1, to the next. */
static enum sn_err (*const steps[DB_FORMAT - 1])(
    struct sn_txn *txn) = { count_log, change_nothing };

static enum sn_err climb(struct sn_txn *txn, uint64_t from)
{
	enum sn_err err = from == 0 ? SN_ECORRUPT : SN_OK;

	for (; err == SN_OK && from < DB_FORMAT; from++)
		err = steps[from - 1](txn);
	return (
	    err == SN_OK ? db_meta_set(txn, DB_META_FORMAT, DB_FORMAT) : err);
}

enum sn_err db_migrate(
    struct sn_store *store, const char *dir, uint64_t from, struct sn_why *why)
{
	char path[4096];
	struct sn_txn *txn;
	enum sn_err err;

	(void)snprintf(path, sizeof(path), "%s/format-%llu.mdb", dir,
	    (unsigned long long)from);
	if ((err = keep_copy(store, dir, path, why)) != SN_OK)
		return (err);
	if ((err = sn_txn_write(store, &txn)) == SN_OK) {
		if ((err = climb(txn, from)) == SN_OK)
			err = sn_txn_commit(txn);
		else
			sn_txn_abort(txn);
	}
	if (err != SN_OK)
		return (sn_why(why, err,
		    "the database could not be brought from format %llu to "
		    "%d (%s); it is as it was, and %s is a copy",
		    (unsigned long long)from, DB_FORMAT, sn_err_text(err),
		    path));
	sn_log(SN_NOTICE, "store.migrated",
	    "from=%llu to=%d copy=\"%s\" what=\"the copy can be removed once "
	    "all is well\"",
	    (unsigned long long)from, DB_FORMAT, path);
	return (SN_OK);
}
