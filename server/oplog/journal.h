#ifndef SERVER_OPLOG_JOURNAL_H
#define SERVER_OPLOG_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/bytes.h"
#include "lib/err.h"

/*
 * Operations that are durable before the tables hold them.  A commit of the
 * tables writes a page for each level of each table that it touches, all over
 * the file, and syncs twice; an entry of the journal is one write in one place
 * and one sync.  Once the tables are committed all its entries are of no use
 * any more, and the next one is written at the beginning again, over what the
 * disk has there already.
 *
 * The file net/journal, numbers big-endian:
 *
 *	head     its own page: "SNJOURN1", key u64
 *	entry    bytes u32, checksum u32, first sequence u64,
 *	         then operations: each bytes u32, operation
 *
 * The operations of an entry have consecutive sequences, and an entry goes on
 * where the one before it ended.  The checksum (CRC-32) is begun with that of
 * the entry before, or the key, so that what an earlier round has left behind
 * the last entry is not taken for one of this round.  An entry that is not
 * whole ends the journal: its write was under way, and nobody has been
 * answered.
 *
 * The key is the database's, which keeps it too: a journal beside another
 * database than its own would be applied to what it does not fit.
 */
struct journal;

/** The most that the operations of a journal may take. */
#define JOURNAL_BYTES (UINT64_C(4) << 20)

/**
 * journal_open(dir, key, out, why):
 * The journal that ${dir} has.  SN_ENOTFOUND when there is none, or one with
 * another key and no entry; SN_ECORRUPT when entries of another key are in
 * it, or it is none; SN_EIO, SN_ENOMEM.
 */
enum sn_err journal_open(const char *dir, uint64_t key, struct journal **out,
    struct sn_why *why) SN_MUST_USE;

/** journal_open_to_read(dir, key, out, why): the same, for journal_replay
 * alone; another process may write to it. */
enum sn_err journal_open_to_read(const char *dir, uint64_t key,
    struct journal **out, struct sn_why *why) SN_MUST_USE;

/** journal_make(dir, key, out, why): a new one, in the place of any other;
 * it is durable.  SN_ESTOREFULL, SN_EIO, SN_ENOMEM. */
enum sn_err journal_make(const char *dir, uint64_t key, struct journal **out,
    struct sn_why *why) SN_MUST_USE;

/** journal_close(journal): NULL is fine. */
void journal_close(struct journal *journal);

/**
 * journal_replay(journal, last, call, arg):
 * Call ${call} with each operation, in order, and stop at its first error,
 * which is returned.  ${last} is the last sequence that the tables hold.
 * SN_ECORRUPT where it ends at an entry that is damaged and not one that was
 * cut off, which shows where its length is whole and another is behind it.  Where the journal ends is where the next entry goes.
 * SN_EIO when it cannot be read.
 */
typedef enum sn_err journal_call(void *arg, uint64_t seq, struct sn_bytes op);
enum sn_err journal_replay(struct journal *journal, uint64_t last,
    journal_call *call, void *arg) SN_MUST_USE;

/** journal_add(journal, seq, op): into the next entry; ${seq} follows that of
 * the operation before.  SN_EFULL when it does not fit: nothing was added. */
enum sn_err journal_add(
    struct journal *journal, uint64_t seq, struct sn_bytes op) SN_MUST_USE;

/** journal_drop(journal): of the next entry nothing is to be written. */
void journal_drop(struct journal *journal);

/**
 * journal_sync(journal):
 * Write the next entry: on SN_OK it is durable.  SN_ESTOREFULL when the disk
 * had no room for it: it was dropped.  SN_EIO: nobody knows what of it is on
 * the disk, and nothing may be written to the journal any more.
 */
enum sn_err journal_sync(struct journal *journal) SN_MUST_USE;

/** journal_restart(journal): the tables hold all of it. */
void journal_restart(struct journal *journal);

/** journal_used(journal): bytes of its entries since then. */
uint64_t journal_used(const struct journal *journal);

#endif
