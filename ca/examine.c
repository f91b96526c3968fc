#include "ca/examine.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ca/inventory.h"
#include "ca/status.h"
#include "ca/verify.h"

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
	(void)signal(SIGFPE, SIG_DFL);
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

static enum sn_err run_child(
    const char *dir, char *text, size_t size, int *status, struct sn_why *why)
{
	enum sn_err err;
	int ends[2];
	pid_t pid;

	if (pipe(ends) != 0 || (fflush(stdout) != 0))
		return (sn_why_errno(why, SN_EIO, "cannot make a pipe"));
	if ((pid = fork()) < 0) {
		err = sn_why_errno(why, SN_EIO, "cannot fork");
		(void)close(ends[0]);
		(void)close(ends[1]);
		return (err);
	}
	if (pid == 0) {
		(void)close(ends[0]);
		_exit(child(dir, ends[1]));
	}
	(void)close(ends[1]);
	err = listen_to(ends[0], pid, text, size, status, why);
	(void)close(ends[0]);
	return (err);
}

enum sn_err examine(const char *dir, examine_tell *tell, void *arg, bool *whole,
    struct sn_why *why)
{
	char *text = malloc(REPORT_MAX), *save = NULL, line[64];
	int status = 0;
	enum sn_err err;

	if (text == NULL)
		return (sn_why(why, SN_ENOMEM, "out of memory"));
	err = run_child(dir, text, REPORT_MAX, &status, why);
	*whole = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	if (err == SN_OK && !*whole)
		for (char *at = strtok_r(text, "\n", &save); at != NULL;
		     at = strtok_r(NULL, "\n", &save))
			tell(arg, at);
	if (err == SN_OK && WIFSIGNALED(status)) {
		(void)snprintf(line, sizeof(line),
		    "reading the inventory faults (signal %d)",
		    WTERMSIG(status));
		tell(arg, line);
	}
	free(text);
	return (err);
}
