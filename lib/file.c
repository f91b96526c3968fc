#include "lib/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/temp.h"

enum sn_err sn_file_sync_folder(const char *folder, struct sn_why *why)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum sn_err err = SN_OK;

	if (fd < 0)
		return (sn_why_errno(why, sn_err_of_errno(errno),
		    "cannot open the folder %s", folder));
	if (fsync(fd) != 0)
		err = sn_why_errno(
		    why, SN_EIO, "cannot sync the folder %s", folder);
	(void)close(fd);
	return (err);
}

static enum sn_err sync_directory(const char *path, struct sn_why *why)
{
	char copy[PATH_MAX];

	if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy))
		return (sn_why(why, SN_EINVAL, "path too long: %s", path));
	return (sn_file_sync_folder(dirname(copy), why));
}

enum sn_err sn_file_put(int fd, const void *p, size_t n)
{
	const char *at = p;

	while (n > 0) {
		ssize_t put = write(fd, at, n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return (sn_err_of_errno(errno));
		at += put;
		n -= (size_t)put;
	}
	return (SN_OK);
}

static enum sn_err write_file(const char *path, mode_t mode, const void *p,
    size_t n, bool replace, struct sn_why *why)
{
	struct sn_temp temp;
	enum sn_err err;

	if ((err = sn_temp_open(path, mode, &temp, why)) != SN_OK)
		return (err);
	if ((err = sn_file_put(temp.fd, p, n)) != SN_OK) {
		(void)sn_why_errno(why, err, "cannot write %s", path);
		sn_temp_drop(&temp);
		return (err);
	}
	return (sn_temp_appear(&temp, path, replace, why));
}

enum sn_err sn_file_write(
    const char *path, mode_t mode, const void *p, size_t n, struct sn_why *why)
{
	return (write_file(path, mode, p, n, true, why));
}

enum sn_err sn_file_create(
    const char *path, mode_t mode, const void *p, size_t n, struct sn_why *why)
{
	return (write_file(path, mode, p, n, false, why));
}

/* Reads to the end of ${fd} into ${to}, at most ${max} bytes. */
static enum sn_err read_all(int fd, const char *name, char *to, size_t max,
    size_t *n, struct sn_why *why)
{
	size_t have = 0;

	for (;;) {
		ssize_t got = read(fd, to + have, max - have + 1);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return (
			    sn_why_errno(why, SN_EIO, "cannot read %s", name));
		if (got == 0)
			break;
		have += (size_t)got;
		if (have > max)
			return (sn_why(why, SN_ETOOBIG,
			    "%s is larger than %zu bytes", name, max));
	}
	*n = have;
	return (SN_OK);
}

/* How much to allocate for ${fd}: its size where it is a regular file. */
static size_t room_for(int fd, size_t max)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size >= 0 &&
	    (size_t)st.st_size < max)
		return ((size_t)st.st_size);
	return (max);
}

enum sn_err sn_file_read_fd(int fd, const char *name, size_t max, char **out,
    size_t *n, struct sn_why *why)
{
	size_t room = room_for(fd, max);
	enum sn_err err;
	char *data;

	if ((data = malloc(room + 1)) == NULL)
		return (sn_why(why, SN_ENOMEM, "no memory for %s", name));
	if ((err = read_all(fd, name, data, room, n, why)) != SN_OK) {
		free(data);
		return (err);
	}
	data[*n] = '\0';
	*out = data;
	return (SN_OK);
}

static enum sn_err open_regular(
    const char *path, int *out, struct stat *st, struct sn_why *why)
{
	/* Non-blocking, or a FIFO of that name would hold us up for ever. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return (sn_why_errno(
		    why, sn_err_of_errno(errno), "cannot open %s", path));
	if (fstat(fd, st) != 0 || !S_ISREG(st->st_mode)) {
		(void)close(fd);
		return (sn_why(why, SN_EINVAL, "%s is not a file", path));
	}
	*out = fd;
	return (SN_OK);
}

enum sn_err sn_file_read(
    const char *path, size_t max, char **out, size_t *n, struct sn_why *why)
{
	struct stat st;
	enum sn_err err;
	int fd;

	if ((err = open_regular(path, &fd, &st, why)) != SN_OK)
		return (err);
	err = sn_file_read_fd(fd, path, max, out, n, why);
	(void)close(fd);
	return (err);
}

static enum sn_err check_owner(
    const char *path, const struct stat *st, struct sn_why *why)
{
	if (st->st_uid != geteuid() && st->st_uid != 0)
		return (sn_why(why, SN_EMODE,
		    "%s belongs to another user (uid %u); "
		    "chown it to the user that runs this",
		    path, (unsigned)st->st_uid));
	return (SN_OK);
}

static enum sn_err check_private(
    const char *path, const struct stat *st, struct sn_why *why)
{
	enum sn_err err = check_owner(path, st, why);

	if (err != SN_OK)
		return (err);
	if ((st->st_mode & 077) != 0)
		return (sn_why(why, SN_EMODE,
		    "%s can be used by others (mode %03o); run: chmod %s %s",
		    path, (unsigned)(st->st_mode & 0777),
		    S_ISDIR(st->st_mode) ? "700" : "600", path));
	return (SN_OK);
}

enum sn_err sn_file_read_secret_fd(int fd, const char *name, size_t max,
    struct sn_secret *out, struct sn_why *why)
{
	struct sn_secret raw;
	enum sn_err err;
	size_t n;

	if ((err = sn_secret_new(room_for(fd, max), &raw)) != SN_OK)
		return (sn_why(why, err, "no memory for %s", name));
	if ((err = read_all(fd, name, raw.data, raw.len, &n, why)) == SN_OK &&
	    (err = sn_secret_copy(raw.data, n, out)) != SN_OK)
		(void)sn_why(why, err, "no memory for %s", name);
	sn_secret_free(&raw);
	return (err);
}

enum sn_err sn_file_read_secret(
    const char *path, size_t max, struct sn_secret *out, struct sn_why *why)
{
	struct stat st;
	enum sn_err err;
	int fd;

	if ((err = open_regular(path, &fd, &st, why)) != SN_OK)
		return (err);
	if ((err = check_private(path, &st, why)) == SN_OK)
		err = sn_file_read_secret_fd(fd, path, max, out, why);
	(void)close(fd);
	return (err);
}

enum sn_err sn_file_private(const char *path, struct sn_why *why)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return (sn_why_errno(
		    why, sn_err_of_errno(errno), "cannot open %s", path));
	return (check_private(path, &st, why));
}

enum sn_err sn_file_unshared(const char *path, struct sn_why *why)
{
	struct stat st;
	enum sn_err err;

	if (stat(path, &st) != 0)
		return (sn_why_errno(
		    why, sn_err_of_errno(errno), "cannot open %s", path));
	if ((err = check_owner(path, &st, why)) != SN_OK)
		return (err);
	if ((st.st_mode & 022) != 0)
		return (sn_why(why, SN_EMODE,
		    "%s can be changed by others (mode %03o); run: chmod go-w "
		    "%s, or take another folder",
		    path, (unsigned)(st.st_mode & 0777), path));
	return (SN_OK);
}

enum sn_err sn_file_mkdir(const char *path, mode_t mode, struct sn_why *why)
{
	struct stat st;

	if (mkdir(path, mode) == 0)
		return (sync_directory(path, why));
	if (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return (SN_OK);
	return (sn_why_errno(
	    why, sn_err_of_errno(errno), "cannot create the folder %s", path));
}
