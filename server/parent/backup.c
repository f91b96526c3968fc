#include "server/parent/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/file.h"
#include "lib/log.h"
#include "server/parent/restore.h"

#define PATH_BYTES 4200

static const char *const parts[] = { "keeper", "net" };

static json_t *not_made(const char *path)
{
	struct sn_why why;

	(void)sn_why_errno(
	    &why, SN_EIO, "cannot make %s, as the server's user", path);
	return (json_pack("{s:b, s:s, s:s}", "ok", 0, "error", "refused",
	    "message", why.text));
}

/* What a failed one has left; what would make it look whole goes first. */
static void remove_all(const char *dir)
{
	char path[PATH_BYTES];

	(void)snprintf(path, sizeof(path), "%s/" RESTORE_MANIFEST, dir);
	(void)unlink(path);
	for (unsigned i = 0; i < 2; i++) {
		(void)snprintf(
		    path, sizeof(path), "%s/%s/data.mdb", dir, parts[i]);
		(void)unlink(path);
		(void)snprintf(path, sizeof(path), "%s/%s", dir, parts[i]);
		(void)rmdir(path);
	}
	(void)rmdir(dir);
}

/* ${dir}/${part}/data.mdb, to be written; -1 with *${failure}. */
static int make_part(const char *dir, const char *part, json_t **failure)
{
	char path[PATH_BYTES];
	int fd = -1;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, part);
	if (mkdir(path, 0700) == 0) {
		(void)snprintf(path, sizeof(path), "%s/%s/data.mdb", dir, part);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	}
	if (fd < 0)
		*failure = not_made(path);
	return (fd);
}

static json_t *write_part(
    struct child *child, const char *dir, const char *part)
{
	json_t *reply;
	int fd = make_part(dir, part, &reply);

	if (fd < 0)
		return (reply);
	reply = child_ask(child, json_pack("{s:s}", "cmd", "backup"), &fd, 1);
	(void)close(fd);
	return (reply);
}

/* That the folder itself is in the one that holds it. */
static enum sn_err sync_above(const char *dir, struct sn_why *why)
{
	char path[PATH_BYTES];

	(void)snprintf(path, sizeof(path), "%s/..", dir);
	return (sn_file_sync_folder(path, why));
}

/* The manifest last: with it the backup is whole. */
static enum sn_err make_whole(
    const char *dir, const json_t *reply, struct sn_why *why)
{
	char path[PATH_BYTES], text[256], when[SN_CLOCK_TEXT];
	enum sn_err err;
	int n;

	for (unsigned i = 0; i < 2; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, parts[i]);
		if ((err = sn_file_sync_folder(path, why)) != SN_OK)
			return (err);
	}
	if ((err = sync_above(dir, why)) != SN_OK)
		return (err);
	n = snprintf(text, sizeof(text), "{\"made\":\"%s\",\"bytes\":%lld}\n",
	    sn_clock_rfc3339(sn_clock_wall_s(), when),
	    (long long)json_integer_value(json_object_get(reply, "bytes")));
	(void)snprintf(path, sizeof(path), "%s/" RESTORE_MANIFEST, dir);
	return (sn_file_create(path, 0600, text, (size_t)n, why));
}

json_t *backup_status(struct parent *p, json_t *request)
{
	char *dir = p->backup.dir;
	struct sn_why why = { "" };
	json_t *reply;

	(void)request;
	if (dir[0] == '\0')
		return (json_pack("{s:b, s:s, s:s}", "ok", 0, "error",
		    "not-found", "message", "no backup is being made"));
	reply = child_ask(
	    &p->net, json_pack("{s:s}", "cmd", "backup.status"), NULL, 0);
	if (json_is_true(json_object_get(reply, "running")))
		return (reply);
	if (child_ok(reply) && make_whole(dir, reply, &why) != SN_OK) {
		json_decref(reply);
		reply = json_pack("{s:b, s:s, s:s}", "ok", 0, "error", "failed",
		    "message", why.text);
	}
	if (child_ok(reply)) {
		sn_log(SN_NOTICE, "backup.made", "dir=\"%s\"", dir);
	} else {
		sn_log(SN_ALARM, "backup.failed", "dir=\"%s\" why=\"%s\"", dir,
		    json_string_value(json_object_get(reply, "message")));
		remove_all(dir);
	}
	dir[0] = '\0';
	return (reply);
}

json_t *backup_begin(struct parent *p, json_t *request)
{
	const char *dir = json_string_value(json_object_get(request, "dir"));
	json_t *reply;

	if (dir == NULL || dir[0] != '/' ||
	    strlen(dir) >= sizeof(p->backup.dir))
		return (json_pack("{s:b, s:s, s:s}", "ok", 0, "error", "usage",
		    "message", "dir is the whole path of a new folder"));
	/* Who began the one before may have gone without asking to the end. */
	if (p->backup.dir[0] != '\0')
		json_decref(backup_status(p, NULL));
	if (p->backup.dir[0] != '\0')
		return (json_pack("{s:b, s:s, s:s+}", "ok", 0, "error", "busy",
		    "message", "a backup is being made already, to ",
		    p->backup.dir));
	if (mkdir(dir, 0700) != 0)
		return (not_made(dir));
	reply = write_part(&p->keeper, dir, parts[0]);
	if (child_ok(reply)) {
		json_decref(reply);
		reply = write_part(&p->net, dir, parts[1]);
	}
	if (child_ok(reply)) {
		(void)snprintf(p->backup.dir, sizeof(p->backup.dir), "%s", dir);
		sn_log(SN_NOTICE, "backup.begun", "dir=\"%s\"", dir);
	} else {
		remove_all(dir);
	}
	return (reply);
}
