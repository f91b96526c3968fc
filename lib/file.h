#ifndef SN_LIB_FILE_H
#define SN_LIB_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "lib/err.h"
#include "lib/secret.h"

/**
 * sn_file_write(path, mode, p, n, why):
 * Make ${path} appear whole with these bytes and ${mode}, durably: see
 * lib/temp.h.  An earlier file of that name is replaced in one step.  On
 * failure the name holds what it held before.  SN_EIO, SN_ESTOREFULL (no space).
 */
enum sn_err sn_file_write(const char *path, mode_t mode, const void *p,
    size_t n, struct sn_why *why) SN_MUST_USE;

/**
 * sn_file_create(path, mode, p, n, why):
 * As sn_file_write, but SN_EEXISTS when ${path} exists already, without a
 * window in which another file of that name could be lost.
 */
enum sn_err sn_file_create(const char *path, mode_t mode, const void *p,
    size_t n, struct sn_why *why) SN_MUST_USE;

/**
 * sn_file_read(path, max, out, n, why):
 * Read a regular file whole: *${out} is malloc'd, *${n} bytes with a NUL
 * behind them.  SN_ENOTFOUND, SN_ETOOBIG above ${max}, SN_EIO.
 */
enum sn_err sn_file_read(const char *path, size_t max, char **out, size_t *n,
    struct sn_why *why) SN_MUST_USE;

/** sn_file_read_fd(fd, name, ...): as sn_file_read, of an open descriptor. */
enum sn_err sn_file_read_fd(int fd, const char *name, size_t max, char **out,
    size_t *n, struct sn_why *why) SN_MUST_USE;

/**
 * sn_file_read_secret(path, max, out, why):
 * As sn_file_read into a secret.  SN_EMODE when group or others may read or
 * write the file, or it belongs to neither this user nor root.
 */
enum sn_err sn_file_read_secret(const char *path, size_t max,
    struct sn_secret *out, struct sn_why *why) SN_MUST_USE;

/** sn_file_read_secret_fd: the same of an open descriptor, mode unchecked. */
enum sn_err sn_file_read_secret_fd(int fd, const char *name, size_t max,
    struct sn_secret *out, struct sn_why *why) SN_MUST_USE;

/**
 * sn_file_private(path, why):
 * SN_OK when ${path} belongs to this user or root and neither group nor
 * others have any access to it; SN_EMODE with the chmod to run otherwise.
 */
enum sn_err sn_file_private(const char *path, struct sn_why *why) SN_MUST_USE;

/** sn_file_unshared(path, why): the same when others may look at it and not
 * change it: whoever may change a folder may put another file in the place of
 * one that is in it. */
enum sn_err sn_file_unshared(const char *path, struct sn_why *why) SN_MUST_USE;

/** sn_file_put(fd, p, n): all of it; on failure errno says why. */
enum sn_err sn_file_put(int fd, const void *p, size_t n) SN_MUST_USE;

/** sn_file_sync_folder(folder, why): what was made, renamed or removed in it
 * outlives a power cut.  SN_EIO. */
enum sn_err sn_file_sync_folder(
    const char *folder, struct sn_why *why) SN_MUST_USE;

/** sn_file_mkdir(path, mode, why): make a directory; one there is fine. */
enum sn_err sn_file_mkdir(
    const char *path, mode_t mode, struct sn_why *why) SN_MUST_USE;

#endif
