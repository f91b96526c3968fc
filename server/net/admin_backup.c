#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/net/admin.h"

#define SETTLE_MS 60000 /* A disk that takes longer is another trouble. */

/*
 * The copy is written by a thread of its own, to a descriptor of the
 * parent's: what administrators ask meanwhile, a revocation above all, is
 * answered at once.
 */
struct backup {
	struct net *net;
	pthread_t thread;
	int fd;
	atomic_bool done;
	enum sn_err err;
	struct sn_why why;
};

static void *run(void *arg)
{
	struct backup *b = arg;

	/* What was answered before it was asked for is in it. */
	oplog_settle(b->net->log, SETTLE_MS);
	b->err = sn_store_copy(b->net->store, b->fd, &b->why);
	if (b->err == SN_OK && fsync(b->fd) != 0)
		b->err =
		    sn_why_errno(&b->why, SN_EIO, "cannot write the backup");
	atomic_store(&b->done, true);
	return (NULL);
}

void admin_backup_end(struct net *net)
{
	struct backup *b = net->backup;

	if (b == NULL)
		return;
	(void)pthread_join(b->thread, NULL);
	(void)close(b->fd);
	free(b);
	net->backup = NULL;
}

json_t *admin_backup(
    struct net *net, const json_t *request, int *fds, unsigned count)
{
	struct backup *b;

	(void)request;
	if (count != 1)
		return (admin_failed("usage", "backup takes a descriptor"));
	if (net->backup != NULL && !atomic_load(&net->backup->done))
		return (admin_failed("busy", "a backup is being made"));
	admin_backup_end(net);
	if ((b = calloc(1, sizeof(*b))) == NULL)
		return (NULL);
	b->net = net;
	b->fd = fds[0];
	if (pthread_create(&b->thread, NULL, run, b) != 0) {
		free(b);
		return (admin_failed("internal", "cannot start a thread"));
	}
	fds[0] = -1;
	net->backup = b;
	return (json_pack("{s:b}", "ok", 1));
}

json_t *admin_backup_status(
    struct net *net, const json_t *request, int *fds, unsigned count)
{
	struct backup *b = net->backup;
	struct stat st = { .st_size = 0 };
	json_t *reply;

	(void)request;
	(void)fds;
	(void)count;
	/* A net that was restarted meanwhile knows of none. */
	if (b == NULL)
		return (admin_failed("failed", "the backup was cut off"));
	(void)fstat(b->fd, &st);
	if (!atomic_load(&b->done))
		return (json_pack("{s:b, s:b, s:I}", "ok", 1, "running", 1,
		    "bytes", (json_int_t)st.st_size));
	reply = b->err == SN_OK
		    ? json_pack("{s:b, s:b, s:I}", "ok", 1, "running", 0,
			  "bytes", (json_int_t)st.st_size)
		    : admin_failed("failed", "%s", b->why.text);
	admin_backup_end(net);
	return (reply);
}
