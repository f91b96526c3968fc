#include "ca/tree.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/temp.h"

#define OPEN_FOLDERS 16

static int remove_one(
    const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return (remove(path));
}

void tree_remove(const char *path)
{
	(void)nftw(path, remove_one, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS);
}

enum sn_err tree_rename(const char *from, const char *to, struct sn_why *why)
{
	char parent[PATH_MAX];

	if (rename(from, to) != 0)
		return (sn_why_errno(why,
		    errno == ENOTEMPTY || errno == EEXIST ? SN_EEXISTS : SN_EIO,
		    "cannot create %s", to));
	(void)snprintf(parent, sizeof(parent), "%s", to);
	return (sn_file_sync_folder(dirname(parent), why));
}

enum sn_err tree_free(const char *path, struct sn_why *why)
{
	struct dirent *entry;
	enum sn_err err = SN_OK;
	DIR *d = opendir(path);

	if (d == NULL && errno == ENOENT)
		return (SN_OK);
	if (d == NULL)
		return (
		    sn_why_errno(why, SN_EEXISTS, "%s is there already", path));
	while (err == SN_OK && (entry = readdir(d)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			err = sn_why(why, SN_EEXISTS,
			    "%s is there already and not empty; choose "
			    "another folder with --dir",
			    path);
	(void)closedir(d);
	return (err);
}

unsigned tree_sweep(const char *path)
{
	char child[PATH_MAX];
	struct dirent *entry;
	unsigned count = 0;
	DIR *d = opendir(path);

	if (d == NULL)
		return (0);
	while ((entry = readdir(d)) != NULL) {
		if (entry->d_name[0] == '.' ||
		    snprintf(child, sizeof(child), "%s/%s", path,
			entry->d_name) >= (int)sizeof(child))
			continue;
		if (entry->d_type == DT_DIR)
			count += tree_sweep(child);
		else if (sn_temp_is(entry->d_name) > 0 && unlink(child) == 0)
			count++;
	}
	(void)closedir(d);
	return (count);
}
