#include "ca/cmd.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ca/audit.h"
#include "ca/due.h"
#include "ca/inventory.h"
#include "ca/settle.h"
#include "ca/verify.h"
#include "lib/clock.h"

#define REPORT_MAX 65536
#define SHOWN_MAX 50

struct report {
	FILE *to;
	unsigned count;
};

static void write_line(void *arg, const char *sentence)
{
	struct report *r = arg;

	if (r->count++ < SHOWN_MAX)
		fprintf(r->to, "%s\n", sentence);
}

/* In the child: a damaged map kills it, and only it. */
static int child(const char *dir, int fd)
{
	struct report r = { .to = fdopen(fd, "w") };
	struct sn_store *store;
	struct sn_why why;
	uint64_t rows;

	(void)signal(SIGBUS, SIG_DFL);
	(void)signal(SIGSEGV, SIG_DFL);
	(void)signal(SIGABRT, SIG_DFL);
	if (r.to == NULL)
		return (STATUS_FAILED);
	(void)setvbuf(r.to, NULL, _IOLBF, 0);
	if (inventory_open(dir, true, &store, &why) != SN_OK) {
		fprintf(r.to, "%s\n", why.text);
		return (STATUS_INTEGRITY);
	}
	verify_books(store, write_line, &r, &rows);
	if (r.count > SHOWN_MAX)
		fprintf(r.to, "and %u more\n", r.count - SHOWN_MAX);
	sn_store_close(store);
	(void)fclose(r.to);
	return (r.count == 0 ? STATUS_OK : STATUS_INTEGRITY);
}

/* Reads what the child says, until it is done. */
static enum sn_err listen_to(
    int fd, pid_t pid, char *text, size_t size, int *status, struct sn_why *why)
{
	size_t have = 0;

	while (have < size - 1) {
		ssize_t got = read(fd, text + have, size - 1 - have);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		have += (size_t)got;
	}
	text[have] = '\0';
	while (waitpid(pid, status, 0) < 0)
		if (errno != EINTR)
			return (sn_why_errno(why, SN_EIO, "cannot wait"));
	return (SN_OK);
}

static enum sn_err examine(
    struct cmd *cmd, const char *dir, char *text, size_t size, int *status)
{
	enum sn_err err;
	int ends[2];
	pid_t pid;

	if (pipe(ends) != 0 || (fflush(stdout) != 0))
		return (sn_why_errno(&cmd->why, SN_EIO, "cannot make a pipe"));
	if ((pid = fork()) < 0) {
		err = sn_why_errno(&cmd->why, SN_EIO, "cannot fork");
		(void)close(ends[0]);
		(void)close(ends[1]);
		return (err);
	}
	if (pid == 0) {
		(void)close(ends[0]);
		_exit(child(dir, ends[1]));
	}
	(void)close(ends[1]);
	err = listen_to(ends[0], pid, text, size, status, &cmd->why);
	(void)close(ends[0]);
	return (err);
}

static enum sn_err tell_damage(struct cmd *cmd, char *text, int status)
{
	json_t *all = json_array();
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		(void)json_array_append_new(all, json_string(line));
		cmd_say(cmd, "damage: %s", line);
	}
	if (WIFSIGNALED(status)) {
		(void)json_array_append_new(
		    all, json_string("reading the inventory faults"));
		cmd_say(cmd, "damage: reading the inventory faults (signal %d)",
		    WTERMSIG(status));
	}
	cmd_set(cmd, "damage", all);
	return (sn_why(&cmd->why, SN_ECORRUPT,
	    "the inventory of %s is damaged; issue and revoke nothing with "
	    "it, keep a copy, and run sicher-ca restore with the latest backup",
	    cmd->dir));
}

struct settled {
	struct cmd *cmd;
	json_t *all;
};

static void tell_settled(void *arg, const char *sentence)
{
	struct settled *s = arg;

	(void)json_array_append_new(s->all, json_string(sentence));
	cmd_say(s->cmd, "settled: %s", sentence);
}

/* The clock was wrong when the books were last written; it is right now. */
static enum sn_err accept_clock(struct cmd *cmd)
{
	int64_t now = sn_clock_wall_s();
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = sn_txn_write(cmd->a->store, &txn)) != SN_OK)
		return (inventory_why(cmd->a->store, err, &cmd->why));
	if ((err = authority_touch(txn, now)) != SN_OK ||
	    (err = audit_add(txn, now, "clock", "accepted by hand")) != SN_OK) {
		sn_txn_abort(txn);
		return (inventory_why(cmd->a->store, err, &cmd->why));
	}
	cmd_say(cmd, "The clock's time is taken as right.");
	return (inventory_why(cmd->a->store, sn_txn_commit(txn), &cmd->why));
}

struct overdue {
	int64_t now;
	unsigned count;
};

static enum sn_err count_due(void *arg, const struct record *rec)
{
	struct overdue *o = arg;

	o->count += rec->not_after >= o->now;
	return (SN_OK);
}

/* Renewed certificates that nobody has revoked yet. */
static enum sn_err tell_due(struct cmd *cmd)
{
	struct overdue o = { .now = sn_clock_wall_s() };
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = sn_txn_read(cmd->a->store, &txn)) != SN_OK)
		return (inventory_why(cmd->a->store, err, &cmd->why));
	err = due_walk(txn, o.now, count_due, &o);
	sn_txn_abort(txn);
	cmd_set(cmd, "due", json_integer(o.count));
	if (o.count > 0) {
		cmd->status = STATUS_ATTENTION;
		cmd_say(cmd,
		    "Due for revocation, for they were renewed: %u. Next: "
		    "sicher-ca revoke --due",
		    o.count);
	}
	return (inventory_why(cmd->a->store, err, &cmd->why));
}

static enum sn_err settle_and_tell(struct cmd *cmd)
{
	struct settled s = { .cmd = cmd, .all = json_array() };
	bool busy;
	enum sn_err err;

	err = settle(cmd->a, tell_settled, &s, &busy, &cmd->why);
	if (err == SN_OK && busy) {
		cmd->status = STATUS_ATTENTION;
		cmd_say(cmd, "Another command is at work; leftovers were not "
			     "looked at. Run it again later.");
	} else if (err == SN_OK && json_array_size(s.all) == 0) {
		cmd_say(cmd, "The books are whole, and nothing is left over.");
	} else if (err == SN_OK) {
		cmd_say(cmd, "The books are whole. Next: sicher-ca crl publish "
			     "if a certificate was revoked above.");
	}
	cmd_set(cmd, "settled", s.all);
	return (err);
}

static enum sn_err body(struct cmd *cmd)
{
	char books[PATH_MAX], *text;
	enum sn_err err;
	int status = 0;

	(void)snprintf(books, sizeof(books), "%s/inventory/data.mdb", cmd->dir);
	if (access(books, F_OK) != 0)
		return (cmd_open(cmd, true));
	(void)snprintf(books, sizeof(books), "%s/inventory", cmd->dir);
	if ((text = malloc(REPORT_MAX)) == NULL)
		return (sn_why(&cmd->why, SN_ENOMEM, "out of memory"));
	err = examine(cmd, books, text, REPORT_MAX, &status);
	if (err == SN_OK && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
		err = tell_damage(cmd, text, status);
	free(text);
	if (err != SN_OK || (err = authority_open(
				 cmd->dir, false, &cmd->a, &cmd->why)) != SN_OK)
		return (err);
	if (sn_cli_has(cmd->cli, "accept-clock") &&
	    (err = accept_clock(cmd)) != SN_OK)
		return (err);
	if ((err = settle_and_tell(cmd)) != SN_OK)
		return (err);
	return (tell_due(cmd));
}

int cmd_check(struct sn_cli *cli)
{
	return (cmd_run(cli, body));
}
