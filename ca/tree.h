#ifndef CA_TREE_H
#define CA_TREE_H

#include "lib/err.h"

/** tree_remove(path): remove a folder of ours and all that is in it. */
void tree_remove(const char *path);

/** tree_rename(from, to, why): make a whole folder appear under its name;
 * ${to} may be an empty folder.  SN_EEXISTS when it is not. */
enum sn_err tree_rename(
    const char *from, const char *to, struct sn_why *why) SN_MUST_USE;

/** tree_free(path, why): SN_OK when nothing, or an empty folder, is there. */
enum sn_err tree_free(const char *path, struct sn_why *why) SN_MUST_USE;

/** tree_sweep(path): remove the temporary files that killed writers left in
 * and below a folder; returns how many. */
unsigned tree_sweep(const char *path);

#endif
