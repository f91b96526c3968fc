#include "server/oplog/writer.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/secret.h"
#include "server/oplog/applier.h"
#include "server/oplog/db.h"
#include "server/oplog/journal.h"

#define RESERVE_MAX (UINT64_C(256) << 20)
#define LOOK_NS (SN_NS_PER_S / 4)
/* Operations of an open transaction: its pages are held in memory. */
#define PENDING_MANY 2048
#define PENDING_MAX 4096
/* What its pages may take on the disk, and a full one has to have left. */
#define PENDING_BYTES (UINT64_C(8) << 20)

struct writer {
	struct sn_store *store;
	struct journal *journal;
	struct applier applier;
	bool open; /* The transaction. */
	/* Some of what is pending is not in it: see catch_up. */
	bool behind;
	unsigned pending;
	uint64_t last;
	uint64_t looked; /* When the free room was counted; monotonic. */
	uint64_t since;  /* Bytes applied since then. */
	bool tight;
};

/*
 * Whether no more than the reserve is left.  Removing needs room as well: it
 * is kept from messages, or a full map could never be emptied.
 */
static bool is_tight(struct writer *w)
{
	struct sn_store_room room;
	uint64_t used, size, reserve, now;

	sn_store_used(w->store, &used, &size);
	reserve = size / 8 < RESERVE_MAX ? size / 8 : RESERVE_MAX;
	if (used + reserve < size)
		return (w->tight = false);
	now = sn_clock_mono();
	/* A look walks the list of free pages: not at every batch, but before
	 * what came since could have eaten the reserve. */
	if (w->looked != 0 && now - w->looked < LOOK_NS &&
	    (w->tight || w->since < reserve / 4))
		return (w->tight);
	w->looked = now;
	w->since = 0;
	if (sn_store_room(w->store, &room) == SN_OK)
		/* The latest that were given back cannot be used yet. */
		w->tight = room.used + room.free / 2 + reserve >= size;
	return (w->tight);
}

static void lose(struct writer *w)
{
	if (w->open)
		applier_abort(&w->applier);
	w->open = false;
	w->behind = w->pending > 0;
	if (w->journal != NULL)
		journal_drop(w->journal);
}

static enum sn_err begin(struct writer *w)
{
	enum sn_err err = SN_OK;

	if (!w->open)
		err = applier_begin(w->store, &w->applier);
	w->open = err == SN_OK;
	return (err);
}

enum sn_err writer_commit(struct writer *w)
{
	enum sn_err err;

	if (!w->open)
		return (SN_OK);
	w->open = false;
	if (w->journal != NULL)
		journal_drop(w->journal);
	if ((err = applier_commit(&w->applier)) != SN_OK) {
		w->behind = w->pending > 0;
		return (err);
	}
	w->last = w->applier.last;
	w->pending = 0;
	if (w->journal != NULL)
		journal_restart(w->journal);
	return (SN_OK);
}

/* An operation of the journal, in the transaction of the one who reads it. */
static enum sn_err apply_again(void *arg, uint64_t seq, struct sn_bytes op)
{
	struct writer *w = arg;
	struct applied applied;
	enum sn_err err;

	if (seq <= w->applier.last)
		return (SN_OK); /* The commit was that came before the end. */
	if (seq != w->applier.last + 1)
		return (SN_ECORRUPT);
	err = applier_apply(&w->applier, op, seq, &applied);
	/* It was not refused when it was applied before. */
	if (err == SN_OK && applied.duplicate)
		err = SN_ECORRUPT;
	return (apply_must(err));
}

/* What was told to be durable is in the tables before anything else. */
static enum sn_err catch_up(struct writer *w)
{
	enum sn_err err;

	if ((err = begin(w)) == SN_OK)
		err =
		    journal_replay(w->journal, w->applier.last, apply_again, w);
	/* An entry that is damaged looks like one that was cut off. */
	if (err == SN_OK && w->applier.last < w->last)
		err = SN_ECORRUPT;
	if (err == SN_OK)
		err = writer_commit(w);
	if (err != SN_OK)
		lose(w);
	else
		w->behind = false;
	return (err);
}

static enum sn_err apply_one(struct writer *w, struct oplog_request *q)
{
	struct applier *a = &w->applier;
	enum sn_err err;

	if (q->settle != OPLOG_SETTLE_NOT)
		return (SN_OK);
	if (q->local)
		return (sn_txn_put(a->txn, q->table,
		    (struct sn_bytes){ q->data, q->key_len },
		    (struct sn_bytes){
			q->data + q->key_len, q->len - q->key_len }));
	if (w->tight && q->kind == OP_MESSAGE) {
		q->err = SN_ESTOREFULL;
		return (SN_OK);
	}
	w->since += q->len;
	err = applier_apply(
	    a, (struct sn_bytes){ q->data, q->len }, a->last + 1, &q->applied);
	q->err = err;
	return (sn_err_class(err) == SN_C_REQUEST ? SN_OK : err);
}

enum sn_err writer_apply(struct writer *w, struct oplog_request *first)
{
	enum sn_err err;

	(void)is_tight(w);
	if ((w->behind && (err = catch_up(w)) != SN_OK) ||
	    (err = begin(w)) != SN_OK)
		return (err);
	for (struct oplog_request *q = first; q != NULL; q = q->next) {
		if ((err = apply_one(w, q)) != SN_OK) {
			lose(w);
			return (err);
		}
	}
	return (SN_OK);
}

/* Whether a message and nothing that must be seen at once. */
static bool can_wait(const struct oplog_request *q)
{
	if (q->local || q->settle == OPLOG_SETTLE_SOON)
		return (true);
	return (q->settle == OPLOG_SETTLE_NOT && q->kind == OP_MESSAGE &&
		!q->applied.began);
}

enum sn_err writer_journal(struct writer *w, const struct oplog_request *first)
{
	unsigned count = 0;
	enum sn_err err;

	if (w->journal == NULL ||
	    sn_store_reserve(w->store, PENDING_BYTES) != SN_OK)
		return (SN_EFULL);
	for (const struct oplog_request *q = first; q != NULL; q = q->next) {
		if (!can_wait(q))
			return (SN_EFULL);
		if (q->local || q->settle != OPLOG_SETTLE_NOT ||
		    q->err != SN_OK || q->applied.duplicate)
			continue;
		count++;
		if (journal_add(w->journal, q->applied.seq,
			(struct sn_bytes){ q->data, q->len }) != SN_OK)
			return (SN_EFULL);
	}
	if (w->pending + count > PENDING_MAX)
		return (SN_EFULL);
	err = journal_sync(w->journal);
	if (err == SN_ESTOREFULL)
		return (SN_EFULL);
	if (err != SN_OK) {
		/* No later success is to be believed, of the tables either. */
		sn_store_latch(w->store, EIO);
		lose(w);
		return (SN_ESTORE);
	}
	w->pending += count;
	w->last = w->applier.last;
	return (SN_OK);
}

uint64_t writer_last(const struct writer *w)
{
	return (w->last);
}

unsigned writer_pending(const struct writer *w)
{
	return (w->pending);
}

bool writer_open(const struct writer *w)
{
	return ((w->open || w->behind) && !sn_store_latched(w->store));
}

bool writer_full(const struct writer *w)
{
	return (w->pending >= PENDING_MANY ||
		(w->journal != NULL &&
		    journal_used(w->journal) >= JOURNAL_BYTES / 2));
}

bool writer_stuck(const struct writer *w)
{
	return (w->behind || sn_store_latched(w->store));
}

static enum sn_err read_meta(struct writer *w, uint64_t *key)
{
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = sn_txn_read(w->store, &txn)) != SN_OK)
		return (err);
	if ((err = db_meta(txn, DB_META_LAST_SEQ, &w->last)) == SN_OK)
		err = db_meta(txn, DB_META_JOURNAL, key);
	sn_txn_abort(txn);
	return (err);
}

static enum sn_err write_key(struct writer *w, uint64_t key)
{
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = sn_txn_write(w->store, &txn)) != SN_OK)
		return (err);
	if ((err = db_meta_set(txn, DB_META_JOURNAL, key)) == SN_OK)
		return (sn_txn_commit(txn));
	sn_txn_abort(txn);
	return (err);
}

/* It is written to when the database knows it, and not before. */
static void make_journal(struct writer *w, const char *dir)
{
	struct sn_why why = { "" };
	struct journal *made;
	uint64_t key = 0;
	enum sn_err err;

	if (sn_store_latched(w->store))
		return;
	while (key == 0)
		sn_secret_random(&key, sizeof(key));
	if ((err = journal_make(dir, key, &made, &why)) == SN_OK) {
		if ((err = write_key(w, key)) == SN_OK) {
			w->journal = made;
			return;
		}
		journal_close(made);
	}
	sn_log(SN_WARN, "journal.none",
	    "error=%s why=\"%s\" what=\"each message is committed to the "
	    "tables, which takes longer; it is tried again at the next start\"",
	    sn_err_name(err), why.text);
}

static enum sn_err open_journal(
    struct writer *w, const char *dir, struct sn_why *why)
{
	uint64_t key;
	enum sn_err err;

	if ((err = read_meta(w, &key)) != SN_OK)
		return (sn_why(why, err, "cannot read the database: %s",
		    sn_store_reason(w->store)));
	if (dir == NULL)
		return (SN_OK);
	err =
	    key == 0 ? SN_ENOTFOUND : journal_open(dir, key, &w->journal, why);
	if (err == SN_OK)
		return (SN_OK);
	if (err != SN_ENOTFOUND)
		return (err);
	if (key != 0)
		sn_log(SN_ALARM, "journal.missing",
		    "folder=\"%s\" what=\"if sicherd did not end by itself, "
		    "messages of its last moment are lost with it\"",
		    dir);
	make_journal(w, dir);
	return (SN_OK);
}

/* What the tables lack of what was told before the end. */
static enum sn_err find_pending(void *arg, uint64_t seq, struct sn_bytes op)
{
	struct writer *w = arg;

	(void)op;
	if (seq <= w->last)
		return (SN_OK);
	if (seq != w->last + 1)
		return (SN_ECORRUPT);
	w->last = seq;
	w->pending++;
	return (SN_OK);
}

static enum sn_err recover(struct writer *w, struct sn_why *why)
{
	enum sn_err err;

	if (w->journal == NULL)
		return (SN_OK);
	err = journal_replay(w->journal, w->last, find_pending, w);
	if (err == SN_ECORRUPT)
		return (sn_why(why, err,
		    "the journal is damaged, or goes on where the database "
		    "beside it has not come to and is of later: put the two "
		    "that belong together back, or restore a backup; without "
		    "the journal messages of its last moment are lost"));
	if (err != SN_OK)
		return (sn_why(
		    why, err, "cannot read the journal: %s", sn_err_text(err)));
	if (w->pending == 0) {
		journal_restart(w->journal);
		return (SN_OK);
	}
	w->behind = true;
	if ((err = catch_up(w)) != SN_OK)
		sn_log(SN_ALARM, "journal.pending",
		    "messages=%u error=%s what=\"they were stored before the "
		    "start, and can be read when they can be written to the "
		    "tables; nothing else is written before\"",
		    w->pending, sn_err_name(err));
	return (SN_OK);
}

enum sn_err writer_new(struct sn_store *store, const char *dir,
    struct writer **out, struct sn_why *why)
{
	struct writer *w;
	enum sn_err err;

	if ((w = calloc(1, sizeof(*w))) == NULL)
		return (sn_why(why, SN_ENOMEM, "no memory for the log"));
	w->store = store;
	if ((err = open_journal(w, dir, why)) != SN_OK ||
	    (err = recover(w, why)) != SN_OK) {
		writer_free(w);
		return (err);
	}
	*out = w;
	return (SN_OK);
}

void writer_free(struct writer *w)
{
	if (w == NULL)
		return;
	lose(w);
	journal_close(w->journal);
	free(w);
}
