#include "server/parent/check.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/keeper/keeper_check.h"
#include "server/oplog/db_check.h"

#define LINES_MAX 1000 /* A database that is all damage need not be told. */

/* Shared with the child, so that what it did outlives it. */
struct progress {
	char table[32];
	uint64_t findings, count;
	bool done;
	enum sn_err err;
	struct sn_why why;
};

struct report {
	struct progress *progress;
	FILE *to;
};

static void on_finding(void *arg, const char *text)
{
	struct report *r = arg;

	r->progress->findings++;
	if (r->progress->findings <= LINES_MAX)
		(void)fprintf(r->to, "%s\n", text);
	(void)fflush(r->to);
}

static void on_table(void *arg, const char *table)
{
	struct report *r = arg;

	(void)snprintf(
	    r->progress->table, sizeof(r->progress->table), "%s", table);
}

enum sn_err check_become_owner(const char *path, struct sn_why *why)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return (sn_why_errno(why, SN_ENOTFOUND, "cannot use %s", path));
	if (geteuid() != 0 || st.st_uid == 0)
		return (SN_OK);
	if (setgroups(0, NULL) != 0 || setgid(st.st_gid) != 0 ||
	    setuid(st.st_uid) != 0)
		return (sn_why_errno(
		    why, SN_EIO, "cannot act as the owner of %s", path));
	return (SN_OK);
}

typedef enum sn_err walker(
    const char *dir, struct report *report, struct sn_why *why);

static enum sn_err walk_net(
    const char *dir, struct report *report, struct sn_why *why)
{
	struct db_check check = {
		.finding = on_finding, .at = on_table, .arg = report
	};
	struct sn_store *store;
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = db_open_to_read(dir, &store, why)) != SN_OK)
		return (err);
	if ((err = sn_txn_read(store, &txn)) == SN_OK) {
		if ((err = db_check(txn, &check)) == SN_OK)
			err = db_check_journal(txn, dir, &check);
		sn_txn_abort(txn);
	}
	if (err != SN_OK)
		(void)sn_why(why, err, "%s: the walk ended in table %s: %s",
		    dir, report->progress->table, sn_err_text(err));
	report->progress->count = check.messages;
	sn_store_close(store);
	return (err);
}

static enum sn_err walk_keeper(
    const char *dir, struct report *report, struct sn_why *why)
{
	struct keeper_check check = {
		.finding = on_finding, .at = on_table, .arg = report
	};
	enum sn_err err = keeper_check(dir, &check, why);

	report->progress->count = check.accounts;
	return (err);
}

static void child(const char *dir, walker *walk, struct report *report)
{
	struct progress *p = report->progress;

	if ((p->err = check_become_owner(dir, &p->why)) == SN_OK)
		p->err = walk(dir, report, &p->why);
	/* Damage is what was looked for, and not a failure to look. */
	if (p->err == SN_ECORRUPT) {
		on_finding(report, p->why.text);
		p->err = SN_OK;
	}
	p->done = true;
	(void)fflush(report->to);
	_exit(0);
}

static enum sn_err await(
    pid_t pid, const char *dir, struct report *report, struct sn_why *why)
{
	struct progress *p = report->progress;
	int status;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (WIFSIGNALED(status)) {
		p->findings++;
		(void)fprintf(report->to,
		    "%s: %s ended the walk in table %s: the file is damaged "
		    "or shorter than it says; restore a backup\n",
		    dir, sigdescr_np(WTERMSIG(status)), p->table);
		return (SN_OK);
	}
	if (!p->done)
		return (sn_why(why, SN_EIO, "%s could not be walked", dir));
	if (p->err != SN_OK)
		return (sn_why(why, p->err, "%s", p->why.text));
	return (SN_OK);
}

/* One of the two databases; ${what} is what it counts. */
static enum sn_err check_part(const char *dir, walker *walk, const char *what,
    struct report *report, struct sn_why *why)
{
	enum sn_err err;
	pid_t pid;

	memset(report->progress, 0, sizeof(*report->progress));
	(void)fflush(NULL);
	if ((pid = fork()) < 0)
		return (sn_why_errno(why, SN_EIO, "cannot fork"));
	if (pid == 0)
		child(dir, walk, report);
	err = await(pid, dir, report, why);
	if (report->progress->findings > LINES_MAX)
		(void)fprintf(report->to, "and %" PRIu64 " more\n",
		    report->progress->findings - LINES_MAX);
	else if (err == SN_OK && report->progress->findings == 0)
		(void)fprintf(report->to, "%s: %" PRIu64 " %s, all sound\n",
		    dir, report->progress->count, what);
	return (err);
}

enum sn_err check_data(
    const char *data, FILE *to, uint64_t *findings, struct sn_why *why)
{
	struct report report = { .to = to };
	char dir[4096];
	enum sn_err err;

	report.progress = mmap(NULL, sizeof(*report.progress),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (report.progress == MAP_FAILED)
		return (sn_why_errno(why, SN_ENOMEM, "cannot check"));
	(void)snprintf(dir, sizeof(dir), "%s/net", data);
	err = check_part(dir, walk_net, "messages", &report, why);
	*findings = report.progress->findings;
	if (err == SN_OK) {
		(void)snprintf(dir, sizeof(dir), "%s/keeper", data);
		err = check_part(dir, walk_keeper, "passwords", &report, why);
		*findings += report.progress->findings;
	}
	(void)munmap(report.progress, sizeof(*report.progress));
	return (err);
}
