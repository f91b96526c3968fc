#include "ca/draft.h"

#include <dirent.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "ca/tree.h"
#include "lib/bytes.h"
#include "lib/secret.h"

#define MARK ".new-"
#define SALT_BYTES 8

/* NAME.new-0123456789abcdef */
static bool is_draft(const char *entry, const char *name)
{
	size_t n = strlen(name), m = strlen(MARK);

	return (strncmp(entry, name, n) == 0 &&
		strncmp(entry + n, MARK, m) == 0 &&
		strlen(entry + n + m) == 2 * (size_t)SALT_BYTES &&
		strspn(entry + n + m, "0123456789abcdef") ==
		    2 * (size_t)SALT_BYTES);
}

static unsigned remove_all(const char *parent, const char *name)
{
	char path[PATH_MAX];
	struct dirent *entry;
	unsigned count = 0;
	DIR *d = opendir(parent);

	if (d == NULL)
		return (0);
	while ((entry = readdir(d)) != NULL) {
		if (!is_draft(entry->d_name, name) ||
		    snprintf(path, sizeof(path), "%s/%s", parent,
			entry->d_name) >= (int)sizeof(path))
			continue;
		tree_remove(path);
		count++;
	}
	(void)closedir(d);
	return (count);
}

/* Opens and locks the folder above; -1 when it cannot be. */
static int lock_above(
    const char *dir, int how, char parent[PATH_MAX], char name[PATH_MAX])
{
	char a[PATH_MAX];
	int fd;

	(void)snprintf(a, sizeof(a), "%s", dir);
	(void)snprintf(parent, PATH_MAX, "%s", dirname(a));
	(void)snprintf(a, sizeof(a), "%s", dir);
	(void)snprintf(name, PATH_MAX, "%s", basename(a));
	fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && flock(fd, how) != 0) {
		(void)close(fd);
		fd = -1;
	}
	return (fd);
}

enum sn_err draft_begin(const char *dir, struct draft *out, struct sn_why *why)
{
	char parent[PATH_MAX], name[PATH_MAX], hex[2 * SALT_BYTES + 1];
	uint8_t salt[SALT_BYTES];

	out->dir = dir;
	sn_secret_random(salt, sizeof(salt));
	if (snprintf(out->path, sizeof(out->path), "%s%s%s", dir, MARK,
		sn_bytes_hex(salt, sizeof(salt), hex)) >=
	    (int)sizeof(((struct authority *)0)->dir))
		return (sn_why(why, SN_EINVAL, "path too long: %s", dir));
	out->lock = lock_above(dir, LOCK_EX, parent, name);
	if (out->lock < 0)
		return (sn_why_errno(
		    why, SN_EIO, "cannot work in the folder of %s", dir));
	(void)remove_all(parent, name);
	return (SN_OK);
}

enum sn_err draft_appear(struct draft *d, struct sn_why *why)
{
	return (tree_rename(d->path, d->dir, why));
}

void draft_end(struct draft *d)
{
	tree_remove(d->path);
	(void)close(d->lock);
}

unsigned draft_sweep(const char *dir)
{
	char parent[PATH_MAX], name[PATH_MAX];
	unsigned count;
	int lock = lock_above(dir, LOCK_EX | LOCK_NB, parent, name);

	if (lock < 0)
		return (0);
	count = remove_all(parent, name);
	(void)close(lock);
	return (count);
}
