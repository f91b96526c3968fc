#ifndef SN_LIB_TEMP_H
#define SN_LIB_TEMP_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "lib/err.h"

/*
 * A file in the making.  Where the file system can do that it has no name
 * until it is whole, so that a kill leaves nothing; elsewhere, and for the
 * moment in which it takes the place of another, it is NAME.tmp-HEX beside
 * NAME and locked (flock), so that what a kill left can be told from work
 * going on.
 */
struct sn_temp {
	int fd;              /* Open for reading and writing. */
	char name[PATH_MAX]; /* "" while it has none. */
};

/** sn_temp_open(path, mode, out, why): an empty file that is to become
 * ${path}.  SN_ENOTFOUND when its folder is missing, SN_ESTOREFULL, SN_EIO. */
enum sn_err sn_temp_open(const char *path, mode_t mode, struct sn_temp *out,
    struct sn_why *why) SN_MUST_USE;

/**
 * sn_temp_appear(temp, path, replace, why):
 * Sync it, let it appear as ${path}, and sync the folder.  SN_EEXISTS when
 * ${path} exists and is not to be replaced, without a window in which another
 * file of that name could be lost.  Ends ${temp} always.
 */
enum sn_err sn_temp_appear(struct sn_temp *temp, const char *path, bool replace,
    struct sn_why *why) SN_MUST_USE;

/** sn_temp_drop(temp): nothing appears. */
void sn_temp_drop(struct sn_temp *temp);

/** sn_temp_is(entry): whether a folder's entry is named NAME.tmp-HEX; returns
 * the length of NAME, or 0. */
size_t sn_temp_is(const char *entry);

/**
 * sn_temp_sweep(folder, is_ours):
 * Remove what killed commands left: files of this user named NAME.tmp-HEX that
 * nobody has locked and of which ${is_ours}, given the file and the length of NAME, says
 * so.  Returns how many.
 */
unsigned sn_temp_sweep(
    const char *folder, bool (*is_ours)(int fd, const char *entry, size_t n));

#endif
