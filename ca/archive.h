#ifndef CA_ARCHIVE_H
#define CA_ARCHIVE_H

#include <stdint.h>

#include "lib/err.h"
#include "lib/store.h"

/*
 * A backup: one file that holds several.
 *
 *	"SICHER-CA-BACKUP 1\n", time (be64)
 *	for each: length of its name (be16), name, size (be64), bytes
 *	0 (be16), SHA-256 of everything before
 *
 * It appears whole or not at all, and is open to its owner only.  Private
 * keys in it are encrypted, as they are in the authority's folder.
 */
struct archive;

/** archive_create(path, now, out, why): what killed ones left in that folder
 * is removed first.  SN_EEXISTS is told at the end, when the file is to
 * appear. */
enum sn_err archive_create(const char *path, int64_t now, struct archive **out,
    struct sn_why *why) SN_MUST_USE;

/** archive_add(ar, name, from, why): the file ${from}. */
enum sn_err archive_add(struct archive *ar, const char *name, const char *from,
    struct sn_why *why) SN_MUST_USE;

/** archive_add_store(ar, name, store, why): a consistent copy, while others
 * read and write. */
enum sn_err archive_add_store(struct archive *ar, const char *name,
    struct sn_store *store, struct sn_why *why) SN_MUST_USE;

/** archive_finish(ar, why): it appears under its name, synced; frees ${ar}
 * always. */
enum sn_err archive_finish(struct archive *ar, struct sn_why *why) SN_MUST_USE;

/** archive_abandon(ar): nothing appears; NULL is fine. */
void archive_abandon(struct archive *ar);

/**
 * archive_extract(path, folder, time, why):
 * Once the checksum has been verified, write the files in it into ${folder},
 * each synced.  SN_ECORRUPT when it is cut off or damaged, SN_EINVAL when it
 * is no backup, SN_ENEWER.
 */
enum sn_err archive_extract(const char *path, const char *folder, int64_t *time,
    struct sn_why *why) SN_MUST_USE;

#endif
