#include "lib/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lmdb.h>

#include "lib/file.h"

struct sn_store {
	MDB_env *env;
	MDB_dbi *tables;
	unsigned table_count;
	atomic_int *latched; /* A write or sync failed: believe no later one. */
	atomic_int own_latch;
	atomic_int reason; /* LMDB's last code that was a failure. */
	atomic_bool panicked, map_full;
	uint64_t reserved; /* Bytes of the file that have room on the disk. */
};

/* Where a table's last row went: the next one mostly goes beside it. */
struct last_put {
	MDB_cursor *cursor; /* NULL: nowhere yet. */
	bool inside;        /* A new key was not the greatest. */
};

struct sn_txn {
	struct sn_store *store;
	MDB_txn *txn;
	enum sn_err err;
	bool writes;
	uint8_t note[SN_TXN_NOTE];
	struct last_put puts[]; /* A table's; of one that writes. */
};

struct sn_cursor {
	MDB_cursor *cursor;
	struct sn_txn *txn;
	unsigned table;
};

/* The one translation of LMDB's codes. */
static enum sn_err of_code(struct sn_store *store, int code)
{
	switch (code) {
	case MDB_SUCCESS:
		return (SN_OK);
	case MDB_NOTFOUND:
		return (SN_ENOTFOUND);
	case MDB_KEYEXIST:
		return (SN_EEXISTS);
	}
	atomic_store(&store->reason, code);
	if (code == MDB_PANIC)
		atomic_store(&store->panicked, true);
	switch (code) {
	case MDB_MAP_FULL:
	case MDB_TXN_FULL:
		atomic_store(&store->map_full, true);
		return (SN_ESTOREFULL);
	case ENOSPC:
	case EDQUOT:
		atomic_store(&store->map_full, false);
		return (SN_ESTOREFULL);
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_INVALID:
	case MDB_CURSOR_FULL: /* A tree deeper than any: pages in a ring. */
	case MDB_MAP_RESIZED: /* We never resize: a meta page is damaged. */
	case MDB_BAD_TXN: /* A page could not be read, and it did not say. */
		return (SN_ECORRUPT);
	case MDB_BAD_VALSIZE:
		return (SN_EINVAL);
	case MDB_VERSION_MISMATCH:
		return (SN_ENEWER);
	case ENOMEM:
		return (SN_ENOMEM);
	default:
		return (SN_ESTORE);
	}
}

static enum sn_err keep(struct sn_txn *txn, int code)
{
	enum sn_err err = of_code(txn->store, code);

	if (err != SN_OK && err != SN_ENOTFOUND && err != SN_EEXISTS &&
	    txn->err == SN_OK)
		txn->err = err;
	/* Pages of a large transaction are written before its commit. */
	if (txn->writes && err == SN_ESTORE)
		sn_store_latch(txn->store, 0);
	return (err);
}

const char *sn_store_reason(const struct sn_store *store)
{
	return (mdb_strerror(atomic_load(&store->reason)));
}

/* The meta page names the last page in use; a shorter file would fault. */
static enum sn_err check_size(
    struct sn_store *store, const char *dir, struct sn_why *why)
{
	MDB_envinfo info;
	MDB_stat st;
	mdb_filehandle_t fd;
	struct stat file;
	uint64_t need;

	if (mdb_env_info(store->env, &info) != 0 ||
	    mdb_env_stat(store->env, &st) != 0 ||
	    mdb_env_get_fd(store->env, &fd) != 0 || fstat(fd, &file) != 0)
		return (sn_why(why, SN_ESTORE, "cannot examine %s", dir));
	need = (uint64_t)st.ms_psize * (info.me_last_pgno + 1);
	if (info.me_last_txnid > 0 && (uint64_t)file.st_size < need)
		return (sn_why(why, SN_ECORRUPT,
		    "%s/data.mdb is truncated: %llu bytes of %llu; "
		    "restore it from a backup",
		    dir, (unsigned long long)file.st_size,
		    (unsigned long long)need));
	return (SN_OK);
}

#define METAS 2

static int rewrite(int fd, unsigned page_size)
{
	uint8_t *page = malloc(page_size);
	int code = page == NULL ? ENOMEM : 0;

	for (unsigned i = 0; code == 0 && i < METAS; i++) {
		off_t at = (off_t)i * page_size;

		errno = EIO;
		if (pread(fd, page, page_size, at) != (ssize_t)page_size ||
		    pwrite(fd, page, page_size, at) != (ssize_t)page_size)
			code = errno;
	}
	if (code == 0 && fdatasync(fd) != 0)
		code = errno;
	free(page);
	return (code);
}

/* Under the writers' lock, or another process's commit would be undone. */
static void settle(struct sn_store *store)
{
	mdb_filehandle_t fd;
	MDB_stat st;
	MDB_txn *txn;
	int code;

	if ((code = mdb_env_get_fd(store->env, &fd)) != 0 ||
	    (code = mdb_env_stat(store->env, &st)) != 0 ||
	    (code = mdb_txn_begin(store->env, NULL, 0, &txn)) != 0)
		return;
	code = rewrite(fd, st.ms_psize);
	mdb_txn_abort(txn);
	if (code != 0 && of_code(store, code) == SN_ESTORE)
		sn_store_latch(store, 0);
}

static enum sn_err open_tables(struct sn_store *store,
    const struct sn_store_options *o, struct sn_why *why)
{
	MDB_txn *txn;
	int code;

	code = mdb_txn_begin(
	    store->env, NULL, o->read_only ? MDB_RDONLY : 0, &txn);
	if (code != 0)
		goto err0;
	for (unsigned i = 0; i < o->table_count; i++) {
		bool expected = o->must_exist && !o->tables[i].later;
		unsigned flags = o->read_only || expected ? 0 : MDB_CREATE;

		if (o->tables[i].integer_key)
			flags |= MDB_INTEGERKEY;
		code = mdb_dbi_open(
		    txn, o->tables[i].name, flags, &store->tables[i]);
		if (code == MDB_NOTFOUND && expected) {
			mdb_txn_abort(txn);
			return (sn_why(why, SN_ECORRUPT,
			    "%s is damaged: its table %s is missing", o->dir,
			    o->tables[i].name));
		}
		if (code != 0)
			goto err1;
	}
	if ((code = mdb_txn_commit(txn)) != 0)
		goto err0;
	return (SN_OK);
err1:
	mdb_txn_abort(txn);
err0:
	return (sn_why(why, of_code(store, code),
	    "cannot open the tables in %s: %s", o->dir, mdb_strerror(code)));
}

static bool is_empty(const char *dir)
{
	char path[PATH_MAX];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/data.mdb", dir);
	return (stat(path, &st) == 0 && st.st_size == 0);
}

enum sn_err sn_store_open(
    const struct sn_store_options *o, struct sn_store **out, struct sn_why *why)
{
	struct sn_store *store;
	enum sn_err err;
	unsigned flags = MDB_NOTLS | MDB_NORDAHEAD;
	int code;

	if (!o->read_only && (err = sn_file_mkdir(o->dir, 0700, why)) != SN_OK)
		goto err0;
	err = sn_why(why, SN_ENOMEM, "no memory to open %s", o->dir);
	if ((store = calloc(1, sizeof(*store))) == NULL)
		goto err0;
	store->latched = o->latch != NULL ? o->latch : &store->own_latch;
	store->table_count = o->table_count;
	store->tables = calloc(o->table_count, sizeof(*store->tables));
	if (store->tables == NULL)
		goto err1;
	if ((code = mdb_env_create(&store->env)) != 0)
		goto err2;
	/* Of an empty file LMDB would make a new database. */
	if (o->must_exist && is_empty(o->dir)) {
		err = sn_why(why, SN_ECORRUPT,
		    "%s/data.mdb is truncated to nothing; restore it from a "
		    "backup",
		    o->dir);
		goto err3;
	}
	if (o->read_only)
		flags |= MDB_RDONLY;
	if ((code = mdb_env_set_mapsize(store->env, o->map_size)) != 0 ||
	    (code = mdb_env_set_maxreaders(store->env, o->max_readers)) != 0 ||
	    (code = mdb_env_set_maxdbs(store->env, o->table_count)) != 0 ||
	    (code = mdb_env_open(store->env, o->dir, flags, 0600)) != 0) {
		err = sn_why(why, of_code(store, code),
		    "cannot open the database in %s: %s", o->dir,
		    mdb_strerror(code));
		goto err3;
	}
	if ((err = check_size(store, o->dir, why)) != SN_OK)
		goto err3;
	if (o->settle && !o->read_only && !sn_store_latched(store))
		settle(store);
	if ((err = open_tables(store, o, why)) != SN_OK)
		goto err3;
	*out = store;
	return (SN_OK);

err3:
	mdb_env_close(store->env);
err2:
	free(store->tables);
err1:
	free(store);
err0:
	return (err);
}

void sn_store_close(struct sn_store *store)
{
	if (store == NULL)
		return;
	mdb_env_close(store->env);
	free(store->tables);
	free(store);
}

void sn_store_latch(struct sn_store *store, int number)
{
	if (number != 0)
		atomic_store(&store->reason, number);
	atomic_store(store->latched, 1);
}

bool sn_store_latched(const struct sn_store *store)
{
	return (atomic_load(store->latched) != 0);
}

bool sn_store_panicked(const struct sn_store *store)
{
	return (atomic_load(&store->panicked));
}

bool sn_store_map_full(const struct sn_store *store)
{
	return (atomic_load(&store->map_full));
}

void sn_store_used(struct sn_store *store, uint64_t *used, uint64_t *map)
{
	MDB_envinfo info;
	MDB_stat st;

	*used = *map = 0;
	if (mdb_env_info(store->env, &info) != 0 ||
	    mdb_env_stat(store->env, &st) != 0)
		return;
	*used = (uint64_t)st.ms_psize * (info.me_last_pgno + 1);
	*map = info.me_mapsize;
}

/* LMDB keeps what it may use again in its first table: a row for each
 * transaction, whose first word counts the pages. */
static int count_free(MDB_txn *txn, uint64_t *pages)
{
	const MDB_dbi free_list = 0;
	MDB_cursor *cursor;
	MDB_val key, value;
	size_t n;
	int code;

	*pages = 0;
	if ((code = mdb_cursor_open(txn, free_list, &cursor)) != 0)
		return (code);
	while ((code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
		memcpy(&n, value.mv_data, sizeof(n));
		*pages += n;
	}
	mdb_cursor_close(cursor);
	return (code == MDB_NOTFOUND ? 0 : code);
}

enum sn_err sn_store_room(struct sn_store *store, struct sn_store_room *out)
{
	MDB_txn *txn;
	MDB_stat st;
	uint64_t pages;
	int code;

	sn_store_used(store, &out->used, &out->size);
	if ((code = mdb_env_stat(store->env, &st)) == 0 &&
	    (code = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn)) == 0) {
		code = count_free(txn, &pages);
		mdb_txn_abort(txn);
	}
	if (code != 0)
		return (of_code(store, code));
	out->free = pages * st.ms_psize;
	if (out->free > out->used)
		out->free = out->used;
	out->used -= out->free;
	return (SN_OK);
}

enum sn_err sn_store_reserve(struct sn_store *store, uint64_t bytes)
{
	mdb_filehandle_t fd;
	uint64_t used, map, end;

	sn_store_used(store, &used, &map);
	end = used + bytes;
	if (end > map)
		return (SN_ESTOREFULL);
	if (end <= store->reserved)
		return (SN_OK);
	if (mdb_env_get_fd(store->env, &fd) != 0)
		return (SN_EIO);
	/* Twice as much as is needed now, so that this is seldom called. */
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)used,
		(off_t)(2 * bytes)) != 0 &&
	    errno != EOPNOTSUPP)
		return (sn_err_of_errno(errno));
	store->reserved = end + bytes;
	return (SN_OK);
}

enum sn_err sn_store_copy(struct sn_store *store, int fd, struct sn_why *why)
{
	int code = mdb_env_copyfd2(store->env, fd, MDB_CP_COMPACT);

	if (code != 0)
		return (sn_why(why, of_code(store, code),
		    "cannot copy the database: %s", mdb_strerror(code)));
	return (SN_OK);
}

static enum sn_err begin(
    struct sn_store *store, bool writes, struct sn_txn **out)
{
	size_t puts = writes ? store->table_count : 0;
	struct sn_txn *txn;
	int code;

	if (writes && sn_store_latched(store))
		return (SN_ESTORE);
	txn = calloc(1, sizeof(*txn) + puts * sizeof(*txn->puts));
	if (txn == NULL)
		return (SN_ENOMEM);
	txn->store = store;
	txn->writes = writes;
	code =
	    mdb_txn_begin(store->env, NULL, writes ? 0 : MDB_RDONLY, &txn->txn);
	if (code != 0) {
		free(txn);
		return (of_code(store, code));
	}
	*out = txn;
	return (SN_OK);
}

enum sn_err sn_txn_write(struct sn_store *store, struct sn_txn **out)
{
	return (begin(store, true, out));
}

enum sn_err sn_txn_read(struct sn_store *store, struct sn_txn **out)
{
	return (begin(store, false, out));
}

void sn_txn_reset(struct sn_txn *txn)
{
	mdb_txn_reset(txn->txn);
}

enum sn_err sn_txn_renew(struct sn_txn *txn)
{
	txn->err = SN_OK;
	memset(txn->note, 0, sizeof(txn->note));
	return (keep(txn, mdb_txn_renew(txn->txn)));
}

uint8_t *sn_txn_note(struct sn_txn *txn)
{
	return (txn->note);
}

enum sn_err sn_txn_commit(struct sn_txn *txn)
{
	struct sn_store *store = txn->store;
	enum sn_err err = txn->err;
	int code;

	if (err != SN_OK) {
		sn_txn_abort(txn);
		return (err);
	}
	/* Frees the transaction even when it fails. */
	errno = 0;
	code = mdb_txn_commit(txn->txn);
	/* LMDB calls a short write EIO; where no call failed the disk is full. */
	if (code == EIO && errno == 0)
		code = ENOSPC;
	err = of_code(store, code);
	if (txn->writes && err != SN_OK && err != SN_ESTOREFULL)
		sn_store_latch(store, 0);
	free(txn);
	return (err);
}

void sn_txn_abort(struct sn_txn *txn)
{
	if (txn == NULL)
		return;
	mdb_txn_abort(txn->txn);
	free(txn);
}

enum sn_err sn_txn_error(const struct sn_txn *txn)
{
	return (txn->err);
}

static MDB_val val(struct sn_bytes b)
{
	/* LMDB takes a non-const pointer and does not write through it. */
	union {
		const void *from;
		void *to;
	} u = { .from = b.p };

	return ((MDB_val){ .mv_size = b.n, .mv_data = u.to });
}

enum sn_err sn_txn_get(struct sn_txn *txn, unsigned table, struct sn_bytes key,
    struct sn_bytes *value)
{
	MDB_val k = val(key), v;
	enum sn_err err;

	if (txn->err != SN_OK)
		return (txn->err);
	err = keep(txn, mdb_get(txn->txn, txn->store->tables[table], &k, &v));
	if (err == SN_OK)
		*value = (struct sn_bytes){ v.mv_data, v.mv_size };
	return (err);
}

/* Through a cursor that stays: a row that comes next to the last one costs
 * no way down from the root.  The cursor ends with its transaction. */
static enum sn_err put(struct sn_txn *txn, unsigned table, struct sn_bytes key,
    struct sn_bytes value, unsigned flags)
{
	MDB_val k = val(key), v = val(value);
	int code = txn->writes ? 0 : EACCES;

	if (txn->err != SN_OK)
		return (txn->err);
	if (code == 0 && txn->puts[table].cursor == NULL)
		code = mdb_cursor_open(txn->txn, txn->store->tables[table],
		    &txn->puts[table].cursor);
	if (code == 0)
		code = mdb_cursor_put(txn->puts[table].cursor, &k, &v, flags);
	return (keep(txn, code));
}

/* Before a row goes: no cursor stands where a page may vanish. */
static void forget_put(struct sn_txn *txn, unsigned table)
{
	if (!txn->writes || txn->puts[table].cursor == NULL)
		return;
	mdb_cursor_close(txn->puts[table].cursor);
	txn->puts[table].cursor = NULL;
}

enum sn_err sn_txn_put(struct sn_txn *txn, unsigned table, struct sn_bytes key,
    struct sn_bytes value)
{
	return (put(txn, table, key, value, 0));
}

enum sn_err sn_txn_insert(struct sn_txn *txn, unsigned table,
    struct sn_bytes key, struct sn_bytes value)
{
	enum sn_err err;

	if (!txn->writes || txn->puts[table].inside)
		return (put(txn, table, key, value, MDB_NOOVERWRITE));
	/* Behind the last key nothing is searched for. */
	if ((err = put(txn, table, key, value, MDB_APPEND)) != SN_EEXISTS)
		return (err);
	txn->puts[table].inside = true;
	return (put(txn, table, key, value, MDB_NOOVERWRITE));
}

enum sn_err sn_txn_append(struct sn_txn *txn, unsigned table,
    struct sn_bytes key, struct sn_bytes value)
{
	return (put(txn, table, key, value, MDB_APPEND));
}

enum sn_err sn_txn_delete(
    struct sn_txn *txn, unsigned table, struct sn_bytes key)
{
	MDB_val k = val(key);

	if (txn->err != SN_OK)
		return (txn->err);
	forget_put(txn, table);
	return (
	    keep(txn, mdb_del(txn->txn, txn->store->tables[table], &k, NULL)));
}

enum sn_err sn_txn_size(
    struct sn_txn *txn, unsigned table, struct sn_store_size *out)
{
	MDB_stat st;
	enum sn_err err;

	if (txn->err != SN_OK)
		return (txn->err);
	err = keep(txn, mdb_stat(txn->txn, txn->store->tables[table], &st));
	if (err != SN_OK)
		return (err);
	out->rows = st.ms_entries;
	out->bytes =
	    (uint64_t)st.ms_psize *
	    (st.ms_branch_pages + st.ms_leaf_pages + st.ms_overflow_pages);
	return (SN_OK);
}

enum sn_err sn_txn_count(struct sn_txn *txn, unsigned table, uint64_t *out)
{
	struct sn_store_size size;
	enum sn_err err = sn_txn_size(txn, table, &size);

	if (err == SN_OK)
		*out = size.rows;
	return (err);
}

enum sn_err sn_cursor_open(
    struct sn_txn *txn, unsigned table, struct sn_cursor **out)
{
	struct sn_cursor *c;
	enum sn_err err;

	if (txn->err != SN_OK)
		return (txn->err);
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return (SN_ENOMEM);
	c->txn = txn;
	c->table = table;
	err = keep(txn,
	    mdb_cursor_open(txn->txn, txn->store->tables[table], &c->cursor));
	if (err != SN_OK) {
		free(c);
		return (err);
	}
	*out = c;
	return (SN_OK);
}

void sn_cursor_close(struct sn_cursor *c)
{
	if (c == NULL)
		return;
	mdb_cursor_close(c->cursor);
	free(c);
}

enum sn_err sn_cursor_renew(struct sn_txn *txn, struct sn_cursor *c)
{
	c->txn = txn;
	return (keep(txn, mdb_cursor_renew(txn->txn, c->cursor)));
}

static enum sn_err move(struct sn_cursor *c, struct sn_bytes from,
    MDB_cursor_op op, struct sn_bytes *key, struct sn_bytes *value)
{
	MDB_val k = val(from), v = { 0, NULL };
	enum sn_err err;

	if (c->txn->err != SN_OK)
		return (c->txn->err);
	err = keep(c->txn, mdb_cursor_get(c->cursor, &k, &v, op));
	if (err == SN_OK) {
		*key = (struct sn_bytes){ k.mv_data, k.mv_size };
		*value = (struct sn_bytes){ v.mv_data, v.mv_size };
	}
	return (err);
}

static const struct sn_bytes none = { NULL, 0 };

enum sn_err sn_cursor_first(
    struct sn_cursor *c, struct sn_bytes *key, struct sn_bytes *value)
{
	return (move(c, none, MDB_FIRST, key, value));
}

enum sn_err sn_cursor_last(
    struct sn_cursor *c, struct sn_bytes *key, struct sn_bytes *value)
{
	return (move(c, none, MDB_LAST, key, value));
}

enum sn_err sn_cursor_seek(struct sn_cursor *c, struct sn_bytes from,
    struct sn_bytes *key, struct sn_bytes *value)
{
	return (move(c, from, MDB_SET_RANGE, key, value));
}

enum sn_err sn_cursor_next(
    struct sn_cursor *c, struct sn_bytes *key, struct sn_bytes *value)
{
	return (move(c, none, MDB_NEXT, key, value));
}

enum sn_err sn_cursor_prev(
    struct sn_cursor *c, struct sn_bytes *key, struct sn_bytes *value)
{
	return (move(c, none, MDB_PREV, key, value));
}

enum sn_err sn_cursor_delete(struct sn_cursor *c)
{
	if (c->txn->err != SN_OK)
		return (c->txn->err);
	forget_put(c->txn, c->table);
	return (keep(c->txn, mdb_cursor_del(c->cursor, 0)));
}
