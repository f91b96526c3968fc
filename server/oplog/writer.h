#ifndef SERVER_OPLOG_WRITER_H
#define SERVER_OPLOG_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "server/oplog/oplog.h"

/*
 * The one who writes: a transaction that stays open over several batches, and
 * the journal that has the messages which are in it already durable.  Used by
 * one thread.
 *
 * What is pending was told to be durable, and no committed table holds it.
 * Where the transaction is lost it is applied again from the journal.
 */
struct writer;

/**
 * writer_new(store, dir, out):
 * ${dir} is the database's, for its journal; NULL: without one, as where none
 * can be made: each batch is committed to the tables.  What the journal held
 * when sicherd ended is applied and committed; where that cannot be written
 * it stays pending.  SN_ECORRUPT when the journal is not this database's.
 */
enum sn_err writer_new(struct sn_store *store, const char *dir,
    struct writer **out, struct sn_why *why) SN_MUST_USE;

/** writer_free(writer): what is pending stays so. */
void writer_free(struct writer *writer);

/** writer_last(writer): the last sequence that is durable. */
uint64_t writer_last(const struct writer *writer);

/** writer_pending(writer): operations that no committed table holds.
 * writer_stuck(writer): they could not be written. */
unsigned writer_pending(const struct writer *writer);
bool writer_stuck(const struct writer *writer);

/** writer_open(writer): something is there to be committed, and may be.
 * writer_full(writer): so much that it should be, soon. */
bool writer_open(const struct writer *writer);
bool writer_full(const struct writer *writer);

/**
 * writer_apply(writer, first):
 * Into the transaction, each request with its own answer.  An error is that of
 * all of them: nothing of them was kept, and what is pending still is.
 */
enum sn_err writer_apply(
    struct writer *writer, struct oplog_request *first) SN_MUST_USE;

/**
 * writer_journal(writer, first):
 * Make what was applied just now durable without a commit.  SN_EFULL when that
 * is not possible for these, and a commit is due; SN_ESTORE when the disk
 * failed.
 */
enum sn_err writer_journal(
    struct writer *writer, const struct oplog_request *first) SN_MUST_USE;

/** writer_commit(writer): all that was applied is in the tables, durably.  On
 * failure what was pending still is, and the rest was not kept. */
enum sn_err writer_commit(struct writer *writer) SN_MUST_USE;

#endif
