#include "ca/reinstate.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ca/head.h"
#include "lib/clock.h"
#include "lib/file.h"

#define FILE_MAX ((size_t)1 << 20)

/* Adds one file where there is none. */
static enum sn_err add(
    const char *from, const char *to, mode_t mode, struct sn_why *why)
{
	struct sn_secret text;
	enum sn_err err;

	if (access(from, F_OK) != 0 || access(to, F_OK) == 0)
		return (SN_OK);
	if ((err = sn_file_read_secret(from, FILE_MAX, &text, why)) != SN_OK)
		return (err);
	err = sn_file_create(to, mode, text.data, text.len, why);
	sn_secret_free(&text);
	return (err == SN_EEXISTS ? SN_OK : err);
}

static enum sn_err add_keys(
    const char *dir, const struct authority *restored, struct sn_why *why)
{
	char from[PATH_BYTES], to[PATH_BYTES];
	struct dirent *entry;
	enum sn_err err = SN_OK;
	DIR *d = opendir(authority_path(restored, from, "private"));

	if (d == NULL)
		return (sn_why_errno(why, SN_EIO, "cannot read %s", from));
	while (err == SN_OK && (entry = readdir(d)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		authority_path(restored, from, "private/%s", entry->d_name);
		(void)snprintf(
		    to, sizeof(to), "%s/private/%s", dir, entry->d_name);
		err = add(from, to, 0600, why);
	}
	(void)closedir(d);
	return (err);
}

static enum sn_err add_rules(
    const char *dir, const struct authority *restored, struct sn_why *why)
{
	char from[PATH_BYTES], to[PATH_BYTES];

	(void)snprintf(to, sizeof(to), "%s/sicher-ca.conf", dir);
	return (add(
	    authority_path(restored, from, "sicher-ca.conf"), to, 0644, why));
}

/* A second name for what was there; a copy of it costs nothing. */
static enum sn_err keep_old(const char *folder, struct sn_why *why)
{
	char from[PATH_BYTES + 64], to[PATH_BYTES + 64], stamp[32];
	time_t now = (time_t)sn_clock_wall_s();
	struct tm tm;

	if (gmtime_r(&now, &tm) == NULL ||
	    strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm) == 0)
		return (sn_why(why, SN_EIO, "cannot tell the time"));
	(void)snprintf(from, sizeof(from), "%s/data.mdb", folder);
	(void)snprintf(to, sizeof(to), "%s/data.mdb.before-%s", folder, stamp);
	if (link(from, to) != 0 && errno != ENOENT && errno != EEXIST)
		return (sn_why_errno(why, SN_EIO, "cannot create %s", to));
	return (SN_OK);
}

/* The lock file tells of the state of the old books: the next to open them
 * makes another. */
static enum sn_err exchange(const char *folder, const char *restored_to,
    const struct authority *restored, struct sn_why *why)
{
	char from[PATH_BYTES], to[PATH_BYTES + 64], lock[PATH_BYTES + 64];
	enum sn_err err;

	authority_path(restored, from, "inventory/data.mdb");
	(void)snprintf(to, sizeof(to), "%s/data.mdb", folder);
	(void)snprintf(lock, sizeof(lock), "%s/lock.mdb", folder);
	(void)unlink(lock);
	if ((err = head_forget(restored_to, why)) != SN_OK)
		return (err);
	if (rename(from, to) != 0)
		return (sn_why_errno(why, SN_EIO, "cannot replace %s", to));
	(void)unlink(lock);
	return (sn_file_sync_folder(folder, why));
}

enum sn_err reinstate(
    const char *dir, struct authority *restored, struct sn_why *why)
{
	char folder[PATH_BYTES];
	enum sn_err err;

	(void)snprintf(folder, sizeof(folder), "%s/inventory", dir);
	if ((err = authority_folders(dir, why)) != SN_OK ||
	    (err = add_keys(dir, restored, why)) != SN_OK ||
	    (err = add_rules(dir, restored, why)) != SN_OK ||
	    (err = keep_old(folder, why)) != SN_OK ||
	    (err = exchange(folder, dir, restored, why)) != SN_OK)
		return (err);
	(void)snprintf(restored->dir, sizeof(restored->dir), "%s", dir);
	return (SN_OK);
}
