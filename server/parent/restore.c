#include "server/parent/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/file.h"
#include "server/keeper/keeper_carry.h"
#include "server/keeper/keeper_db.h"
#include "server/oplog/db.h"
#include "server/oplog/db_carry.h"
#include "server/parent/apart.h"
#include "server/parent/check.h"
#include "server/parent/match.h"

#define CHUNK (1U << 20)
#define PATH_BYTES 4096

static const char *const parts[] = { "keeper", "net" };
#define PARTS (sizeof(parts) / sizeof(*parts))

struct restore {
	const char *backup, *data, *since;
	FILE *to;
	int from[PARTS];
	int lock, since_lock;
	uint64_t ends; /* The backup's log. */
	unsigned made; /* Parts whose file we have made. */
	bool marked;
};

static void path_of(char *out, const char *folder, const char *part)
{
	(void)snprintf(out, PATH_BYTES, "%s/%s/data.mdb", folder, part);
}

/* While we may still be root: the backup may be readable by root alone. */
static enum sn_err open_backup(struct restore *r, struct sn_why *why)
{
	char path[PATH_BYTES];

	(void)snprintf(path, sizeof(path), "%s/" RESTORE_MANIFEST, r->backup);
	if (access(path, R_OK) != 0)
		return (sn_why(why, SN_ENOTFOUND,
		    "%s is no whole backup: it has no " RESTORE_MANIFEST
		    "; sicherctl backup writes that last",
		    r->backup));
	for (unsigned i = 0; i < PARTS; i++) {
		path_of(path, r->backup, parts[i]);
		r->from[i] = open(path, O_RDONLY | O_CLOEXEC);
		if (r->from[i] < 0)
			return (
			    sn_why_errno(why, SN_EIO, "cannot read %s", path));
	}
	return (SN_OK);
}

static enum sn_err lock_data(struct restore *r, struct sn_why *why)
{
	char path[PATH_BYTES];
	enum sn_err err;

	if ((err = sn_file_mkdir(r->data, 0700, why)) != SN_OK ||
	    (err = check_become_owner(r->data, why)) != SN_OK)
		return (err);
	(void)snprintf(path, sizeof(path), "%s/lock", r->data);
	r->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (r->lock < 0)
		return (sn_why_errno(why, SN_EIO, "cannot open %s", path));
	if (flock(r->lock, LOCK_EX | LOCK_NB) != 0)
		return (sn_why(why, SN_EINUSE,
		    "a sicherd runs on %s; stop it first", r->data));
	return (SN_OK);
}

/* False when something may still be there after a power cut. */
static bool undo(struct restore *r)
{
	static const char *const files[] = { "data.mdb", "lock.mdb" };
	char path[PATH_BYTES];
	bool gone = true;

	for (unsigned i = 0; i < r->made; i++) {
		for (unsigned f = 0; f < 2; f++) {
			(void)snprintf(path, sizeof(path), "%s/%s/%s", r->data,
			    parts[i], files[f]);
			if (unlink(path) != 0 && errno != ENOENT)
				gone = false;
		}
		(void)snprintf(path, sizeof(path), "%s/%s", r->data, parts[i]);
		if (sn_file_sync_folder(path, NULL) != SN_OK)
			gone = false;
	}
	return (gone);
}

static void mark_path(const struct restore *r, char *out)
{
	(void)snprintf(out, PATH_BYTES, "%s/" RESTORE_MARK, r->data);
}

/* From here on nothing in the folder is believed; what one that was cut off
 * has left goes. */
static enum sn_err begin(struct restore *r, struct sn_why *why)
{
	static const char *const files[] = { "keeper/data.mdb", "net/data.mdb",
		"net/journal" };
	char path[PATH_BYTES];
	int fd;

	mark_path(r, path);
	if (access(path, F_OK) == 0) {
		r->made = PARTS;
		(void)undo(r);
		r->made = 0;
	}
	for (unsigned i = 0; i < sizeof(files) / sizeof(*files); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", r->data, files[i]);
		if (access(path, F_OK) == 0)
			return (sn_why(why, SN_EEXISTS,
			    "%s is there: a backup is restored into a folder "
			    "without a database; move the old one away first",
			    path));
	}
	mark_path(r, path);
	if ((fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) < 0)
		return (sn_why_errno(why, SN_EIO, "cannot write %s", path));
	(void)close(fd);
	r->marked = true;
	return (sn_file_sync_folder(r->data, why));
}

/* All of it is on the disk before it may be served. */
static enum sn_err finish(struct restore *r, struct sn_why *why)
{
	char path[PATH_BYTES];
	enum sn_err err;

	for (unsigned i = 0; i < PARTS; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", r->data, parts[i]);
		if ((err = sn_file_sync_folder(path, why)) != SN_OK)
			return (err);
	}
	if ((err = sn_file_sync_folder(r->data, why)) != SN_OK)
		return (err);
	mark_path(r, path);
	if (unlink(path) != 0)
		return (sn_why_errno(why, SN_EIO, "cannot remove %s", path));
	return (sn_file_sync_folder(r->data, why));
}

static void give_up(struct restore *r)
{
	char path[PATH_BYTES];

	if (!r->marked)
		return;
	/* The mark is the last to go, or half of it could be served. */
	if (!undo(r))
		return;
	mark_path(r, path);
	(void)unlink(path);
}

static enum sn_err copy(int from, int to, const char *path, struct sn_why *why)
{
	char *buffer = malloc(CHUNK);
	enum sn_err err = SN_OK;
	ssize_t n;

	if (buffer == NULL)
		return (sn_why(why, SN_ENOMEM, "no memory"));
	while (err == SN_OK && (n = read(from, buffer, CHUNK)) != 0) {
		if (n < 0)
			err =
			    sn_why_errno(why, SN_EIO, "cannot read the backup");
		for (ssize_t at = 0, done; err == SN_OK && at < n; at += done) {
			done = write(to, buffer + at, (size_t)(n - at));
			if (done < 0) {
				err = sn_why_errno(
				    why, SN_EIO, "cannot write %s", path);
				done = 0;
			}
		}
	}
	if (err == SN_OK && fsync(to) != 0)
		err = sn_why_errno(why, SN_EIO, "cannot write %s", path);
	free(buffer);
	return (err);
}

static enum sn_err copy_part(struct restore *r, unsigned i, struct sn_why *why)
{
	char path[PATH_BYTES];
	enum sn_err err;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", r->data, parts[i]);
	if ((err = sn_file_mkdir(path, 0700, why)) != SN_OK)
		return (err);
	path_of(path, r->data, parts[i]);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return (sn_why_errno(why, SN_EIO, "cannot make %s", path));
	r->made = i + 1;
	err = copy(r->from[i], fd, path, why);
	(void)close(fd);
	return (err);
}

static bool every(void *arg, struct sn_bytes key, struct sn_bytes value)
{
	(void)arg;
	(void)key;
	(void)value;
	return (true);
}

/* Tokens that were voided after the backup would be good again. */
static enum sn_err void_tokens(const char *data, struct sn_why *why)
{
	struct sn_store *store;
	struct sn_txn *txn;
	char dir[PATH_BYTES];
	uint64_t removed = 0;
	enum sn_err err;

	(void)snprintf(dir, sizeof(dir), "%s/keeper", data);
	if ((err = keeper_db_open(dir, 0, NULL, &store, why)) != SN_OK)
		return (err);
	if ((err = sn_txn_write(store, &txn)) == SN_OK) {
		err =
		    keeper_db_sweep(txn, KEEPER_DB_KEYS, every, NULL, &removed);
		if (err == SN_OK)
			err = sn_txn_commit(txn);
		else
			sn_txn_abort(txn);
	}
	sn_store_close(store);
	return (err == SN_OK ? SN_OK
			     : sn_why(why, err, "cannot void the tokens: %s",
				   sn_err_text(err)));
}

static enum sn_err skip_places(struct restore *r, struct sn_why *why)
{
	struct sn_store *store;
	char dir[PATH_BYTES];
	enum sn_err err;

	(void)snprintf(dir, sizeof(dir), "%s/net", r->data);
	if ((err = db_open(dir, 0, 8, NULL, &store, why)) != SN_OK)
		return (err);
	if ((err = db_last_seq(store, &r->ends)) != SN_OK ||
	    (err = db_skip(store, RESTORE_SKIP, RESTORE_SKIP_IDS)) != SN_OK)
		(void)sn_why(why, err, "cannot write to %s: %s", dir,
		    sn_store_reason(store));
	sn_store_close(store);
	return (err);
}

/* What changed while we read it would be lost. */
static enum sn_err lock_since(struct restore *r, struct sn_why *why)
{
	char path[PATH_BYTES];

	(void)snprintf(path, sizeof(path), "%s/lock", r->since);
	r->since_lock = open(path, O_RDWR | O_CLOEXEC);
	if (r->since_lock < 0)
		/* None: a copy of a folder, where nobody runs. */
		return (errno == ENOENT ? SN_OK
					: sn_why_errno(why, SN_EIO,
					      "nothing was restored: cannot "
					      "open %s",
					      path));
	if (flock(r->since_lock, LOCK_EX | LOCK_NB) != 0)
		return (sn_why(why, SN_EINUSE,
		    "a sicherd runs on %s; stop it first", r->since));
	return (SN_OK);
}

static void tell(void *arg, const char *text)
{
	(void)fprintf(arg, "  %s\n", text);
}

static enum sn_err carry_net(const struct restore *r, const char *old_dir,
    struct db_carry *c, struct sn_why *why)
{
	struct sn_store *old, *store = NULL;
	struct sn_txn *txn = NULL;
	char dir[PATH_BYTES];
	enum sn_err err;

	(void)snprintf(dir, sizeof(dir), "%s/net", r->data);
	if ((err = db_open_to_read(old_dir, &old, why)) != SN_OK)
		return (err);
	if ((err = db_open(dir, 0, 8, NULL, &store, why)) == SN_OK &&
	    ((err = sn_txn_read(old, &txn)) != SN_OK ||
		(err = db_carry(txn, store, sn_clock_wall_ms(), c, why)) !=
		    SN_OK) &&
	    why->text[0] == '\0')
		(void)sn_why(why, err, "%s", sn_err_text(err));
	sn_txn_abort(txn);
	sn_store_close(store);
	sn_store_close(old);
	return (err);
}

static enum sn_err carry(void *arg, struct sn_why *why)
{
	const struct restore *r = arg;
	struct db_carry net = { .tell = tell, .arg = r->to, .ends = r->ends };
	struct keeper_carry keeper;
	char old[PATH_BYTES], dir[PATH_BYTES];
	enum sn_err err;

	(void)snprintf(old, sizeof(old), "%s/net", r->since);
	if ((err = carry_net(r, old, &net, why)) != SN_OK)
		return (err);
	(void)snprintf(old, sizeof(old), "%s/keeper", r->since);
	(void)snprintf(dir, sizeof(dir), "%s/keeper", r->data);
	if ((err = keeper_carry(old, dir, &keeper, why)) != SN_OK)
		return (err);
	(void)fprintf(r->to,
	    "carried from %s: %" PRIu64 " taken away since the backup, "
	    "%" PRIu64 " password%s changed since\n",
	    r->since, net.carried, keeper.carried,
	    keeper.carried == 1 ? "" : "s");
	if (net.unreadable + keeper.unreadable > 0)
		(void)fprintf(r->to,
		    "%" PRIu64 " of its records and %" PRIu64 " of its "
		    "passwords cannot be read: what came later of these is "
		    "not known; the server's log has it\n",
		    net.unreadable, keeper.unreadable);
	return (SN_OK);
}

static void copy_text(FILE *from, FILE *to)
{
	char line[1024];

	rewind(from);
	while (fgets(line, sizeof(line), from) != NULL)
		(void)fputs(line, to);
}

/* It may be what is damaged: read in a child, and told when all is true. */
static enum sn_err carry_since(struct restore *r, struct sn_why *why)
{
	struct sn_why reason = { "" };
	FILE *to = r->to;
	enum sn_err err;

	if (r->since == NULL)
		return (SN_OK);
	if ((err = lock_since(r, why)) != SN_OK)
		return (err);
	if ((r->to = fdopen(memfd_create("carried", MFD_CLOEXEC), "w+")) ==
	    NULL)
		return (sn_why_errno(why, SN_ENOMEM, "no memory"));
	if ((err = apart(carry, r, "it", &reason)) == SN_OK)
		copy_text(r->to, to);
	(void)fclose(r->to);
	r->to = to;
	if (err != SN_OK)
		return (sn_why(why, err,
		    "nothing can be carried from %s: %s; nothing was restored. "
		    "Without --since the backup is put back as it is; see "
		    "OPERATIONS.md for what must be done again then",
		    r->since, reason.text));
	return (SN_OK);
}

static enum sn_err check_copy(const char *data, struct sn_why *why)
{
	uint64_t findings;
	enum sn_err err;

	if ((err = check_data(data, stderr, &findings, why)) != SN_OK)
		return (err);
	if (findings > 0)
		return (sn_why(why, SN_ECORRUPT,
		    "the backup is damaged (see above); nothing was restored"));
	return (SN_OK);
}

enum sn_err restore_data(const char *backup, const char *data,
    const char *since, FILE *to, struct sn_why *why)
{
	struct restore r = { .backup = backup,
		.data = data,
		.since = since,
		.to = to,
		.from = { -1, -1 },
		.lock = -1,
		.since_lock = -1 };
	uint64_t without;
	enum sn_err err;

	if ((err = open_backup(&r, why)) == SN_OK &&
	    (err = lock_data(&r, why)) == SN_OK &&
	    (err = begin(&r, why)) == SN_OK &&
	    (err = copy_part(&r, 0, why)) == SN_OK &&
	    (err = copy_part(&r, 1, why)) == SN_OK &&
	    (err = check_copy(data, why)) == SN_OK &&
	    (err = void_tokens(data, why)) == SN_OK &&
	    (err = skip_places(&r, why)) == SN_OK &&
	    (err = carry_since(&r, why)) == SN_OK &&
	    /* One that was added while the backup was made is told. */
	    (err = match_data(data, to, &without, why)) == SN_OK)
		err = finish(&r, why);
	if (err != SN_OK)
		give_up(&r);
	for (unsigned i = 0; i < PARTS; i++) {
		if (r.from[i] >= 0)
			(void)close(r.from[i]);
	}
	if (r.lock >= 0)
		(void)close(r.lock);
	if (r.since_lock >= 0)
		(void)close(r.since_lock);
	return (err);
}
