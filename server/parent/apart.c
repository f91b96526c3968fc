#include "server/parent/apart.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* Shared with the child. */
struct result {
	bool done;
	enum sn_err err;
	struct sn_why why;
};

static enum sn_err await(
    pid_t pid, const struct result *r, const char *what, struct sn_why *why)
{
	int status;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (WIFSIGNALED(status))
		return (sn_why(why, SN_ECORRUPT, "%s cannot be read: %s", what,
		    sigdescr_np(WTERMSIG(status))));
	if (!r->done)
		return (sn_why(why, SN_EIO, "%s could not be read", what));
	*why = r->why;
	return (r->err);
}

enum sn_err apart(
    apart_run *run, void *arg, const char *what, struct sn_why *why)
{
	struct result *r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	enum sn_err err;
	pid_t pid;

	if (r == MAP_FAILED)
		return (sn_why_errno(why, SN_ENOMEM, "cannot read %s", what));
	(void)fflush(NULL);
	if ((pid = fork()) == 0) {
		r->err = run(arg, &r->why);
		r->done = true;
		(void)fflush(NULL);
		_exit(0);
	}
	err = pid < 0 ? sn_why_errno(why, SN_EIO, "cannot fork")
		      : await(pid, r, what, why);
	(void)munmap(r, sizeof(*r));
	return (err);
}
