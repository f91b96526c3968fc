#include "lib/temp.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/bytes.h"
#include "lib/secret.h"

#define MARK ".tmp-"
#define SALT_BYTES 8
#define FD_PATH 32

static bool folder_of(const char *path, char out[PATH_MAX])
{
	char copy[PATH_MAX];

	if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy))
		return (false);
	(void)snprintf(out, PATH_MAX, "%s", dirname(copy));
	return (true);
}

static bool choose_name(const char *path, char out[PATH_MAX])
{
	uint8_t salt[SALT_BYTES];
	char hex[2 * SALT_BYTES + 1];

	sn_secret_random(salt, sizeof(salt));
	return (snprintf(out, PATH_MAX, "%s" MARK "%s", path,
		    sn_bytes_hex(salt, sizeof(salt), hex)) < PATH_MAX);
}

/* How an open file is named to linkat. */
static const char *fd_path(int fd, char out[FD_PATH])
{
	(void)snprintf(out, FD_PATH, "/proc/self/fd/%d", fd);
	return (out);
}

/* -1 where there are no files without a name, or no way to name them. */
static int open_nameless(const char *path, mode_t mode)
{
	char folder[PATH_MAX], link[FD_PATH];
	int fd;

	if (!folder_of(path, folder))
		return (-1);
	fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
	if (fd >= 0 && access(fd_path(fd, link), F_OK) != 0) {
		(void)close(fd);
		fd = -1;
	}
	return (fd);
}

enum sn_err sn_temp_open(
    const char *path, mode_t mode, struct sn_temp *out, struct sn_why *why)
{
	out->name[0] = '\0';
	if ((out->fd = open_nameless(path, mode)) < 0) {
		if (!choose_name(path, out->name))
			return (
			    sn_why(why, SN_EINVAL, "path too long: %s", path));
		out->fd = open(
		    out->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
		if (out->fd < 0)
			return (sn_why_errno(why, sn_err_of_errno(errno),
			    "cannot create a file at %s", path));
		(void)flock(out->fd, LOCK_EX | LOCK_NB);
	}
	/* The mode asked for, whatever the umask says. */
	if (fchmod(out->fd, mode) != 0) {
		enum sn_err err = sn_why_errno(
		    why, sn_err_of_errno(errno), "cannot write %s", path);

		sn_temp_drop(out);
		return (err);
	}
	return (SN_OK);
}

void sn_temp_drop(struct sn_temp *temp)
{
	if (temp->name[0] != '\0')
		(void)unlink(temp->name);
	(void)close(temp->fd);
}

static int name_it(const struct sn_temp *temp, const char *name)
{
	char from[FD_PATH];

	return (linkat(AT_FDCWD, fd_path(temp->fd, from), AT_FDCWD, name,
	    AT_SYMLINK_FOLLOW));
}

/* A second name, and the first one goes.  Sticks have file systems without
 * second names: these can refuse to replace. */
static int rename_new(struct sn_temp *temp, const char *path)
{
	if (link(temp->name, path) == 0)
		return (unlink(temp->name));
	if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS)
		return (-1);
	return (
	    renameat2(AT_FDCWD, temp->name, AT_FDCWD, path, RENAME_NOREPLACE));
}

static int appear(struct sn_temp *temp, const char *path, bool replace)
{
	if (temp->name[0] == '\0') {
		if (name_it(temp, path) == 0)
			return (0);
		if (errno != EEXIST || !replace)
			return (-1);
		(void)flock(temp->fd, LOCK_EX | LOCK_NB);
		if (!choose_name(path, temp->name)) {
			errno = ENAMETOOLONG;
			return (-1);
		}
		if (name_it(temp, temp->name) != 0) {
			temp->name[0] = '\0';
			return (-1);
		}
	}
	if ((replace ? rename(temp->name, path) : rename_new(temp, path)) != 0)
		return (-1);
	temp->name[0] = '\0';
	return (0);
}

static enum sn_err sync_folder(const char *path, struct sn_why *why)
{
	char folder[PATH_MAX];
	int fd, failed;

	fd = folder_of(path, folder)
		 ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
		 : -1;
	if (fd < 0)
		return (sn_why_errno(why, sn_err_of_errno(errno),
		    "cannot open the folder of %s", path));
	failed = fsync(fd);
	(void)close(fd);
	if (failed)
		return (sn_why_errno(
		    why, SN_EIO, "cannot sync the folder of %s", path));
	return (SN_OK);
}

enum sn_err sn_temp_appear(
    struct sn_temp *temp, const char *path, bool replace, struct sn_why *why)
{
	enum sn_err err = SN_OK;

	if (fsync(temp->fd) != 0)
		err = sn_why_errno(
		    why, sn_err_of_errno(errno), "cannot write %s", path);
	else if (appear(temp, path, replace) != 0)
		err = sn_why_errno(why, sn_err_of_errno(errno), "cannot %s %s",
		    replace ? "replace" : "create", path);
	sn_temp_drop(temp);
	return (err == SN_OK ? sync_folder(path, why) : err);
}

size_t sn_temp_is(const char *entry)
{
	size_t n = strlen(entry), tail = strlen(MARK) + 2 * (size_t)SALT_BYTES;

	if (n <= tail || strncmp(entry + n - tail, MARK, strlen(MARK)) != 0 ||
	    strspn(entry + n - 2 * (size_t)SALT_BYTES, "0123456789abcdef") !=
		2 * (size_t)SALT_BYTES)
		return (0);
	return (n - tail);
}

static bool sweep_one(int folder, const char *entry,
    bool (*is_ours)(int fd, const char *entry, size_t n))
{
	size_t n = sn_temp_is(entry);
	struct stat st;
	bool gone;
	int fd;

	if (n == 0)
		return (false);
	fd = openat(
	    folder, entry, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return (false);
	/* In a folder that is everybody's, others have theirs too. */
	gone = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       st.st_uid == geteuid() && flock(fd, LOCK_EX | LOCK_NB) == 0 &&
	       is_ours(fd, entry, n) && unlinkat(folder, entry, 0) == 0;
	(void)close(fd);
	return (gone);
}

unsigned sn_temp_sweep(
    const char *folder, bool (*is_ours)(int fd, const char *entry, size_t n))
{
	struct dirent *entry;
	unsigned count = 0;
	DIR *d = opendir(folder);

	if (d == NULL)
		return (0);
	while ((entry = readdir(d)) != NULL)
		count += sweep_one(dirfd(d), entry->d_name, is_ours);
	(void)closedir(d);
	return (count);
}
