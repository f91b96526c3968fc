#include "server/base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <seccomp.h>

#include "lib/log.h"
#include "lib/secret.h"
#include "server/base/sandbox_impl.h"

/* What both use; files are those that are open already. */
static const int common[] = {
	/* Descriptors. */
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(close),
	SCMP_SYS(lseek),
	SCMP_SYS(fstat),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_pwait2),
	SCMP_SYS(eventfd2),
	SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg),
	SCMP_SYS(sendto),
	SCMP_SYS(sendmsg),
	SCMP_SYS(shutdown),
	SCMP_SYS(getsockopt),
	SCMP_SYS(setsockopt),
	/* The database. */
	SCMP_SYS(pread64),
	SCMP_SYS(pwrite64),
	SCMP_SYS(pwritev),
	SCMP_SYS(fsync),
	SCMP_SYS(fdatasync),
	SCMP_SYS(msync),
	SCMP_SYS(ftruncate),
	/* Memory; mmap and mprotect have rules of their own. */
	SCMP_SYS(brk),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(mlock),
	SCMP_SYS(munlock),
	SCMP_SYS(getrandom),
	/* Threads: those that wait, and those that Argon2 starts. */
	SCMP_SYS(futex),
	SCMP_SYS(rseq),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(sched_yield),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	/* Time. */
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(nanosleep),
	SCMP_SYS(gettimeofday),
	/* Signals, abort(3), the end. */
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

/* Who meets the network accepts connections, and asks whose they are; and
 * takes room on the disk for the messages to come. */
static const int net_alone[] = {
	SCMP_SYS(accept4),
	SCMP_SYS(getpeername),
	SCMP_SYS(getsockname),
	SCMP_SYS(fallocate),
};

/* Who computes passwords does it at a lower priority. */
static const int keeper_alone[] = {
	SCMP_SYS(setpriority),
};

static int allow(scmp_filter_ctx filter, const int *calls, size_t count)
{
	int failed = 0;

	for (size_t i = 0; i < count && failed == 0; i++)
		failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
	return (failed);
}

/* What is done to open files; not whom they send signals to. */
static const int file_commands[] = {
	F_DUPFD,
	F_DUPFD_CLOEXEC,
	F_GETFD,
	F_SETFD,
	F_GETFL,
	F_SETFL,
	F_GETLK,
	F_SETLK,
	F_SETLKW,
};

/*
 * Threads, and no process that would outlive this one; signals to itself, as
 * abort(3) sends them, and to no other of its user.  The flags of clone3(2)
 * cannot be seen: without it the C library takes clone(2).
 */
static int allow_threads(scmp_filter_ctx filter)
{
	int failed;

	failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
	    SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
	if (failed == 0)
		failed = seccomp_rule_add(
		    filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (failed == 0)
		failed =
		    seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill),
			1, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
	for (size_t i = 0;
	     i < sizeof(file_commands) / sizeof(*file_commands) && failed == 0;
	     i++)
		failed =
		    seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
			SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX,
			    (scmp_datum_t)file_commands[i]));
	return (failed);
}

/* Those that are fine with some arguments: no memory becomes code, and of
 * files only what is open is looked at, which is how fstat(3) is made. */
static int allow_some(scmp_filter_ctx filter)
{
	int failed;

	failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
	    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (failed == 0)
		failed =
		    seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect),
			1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (failed == 0)
		failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW,
		    SCMP_SYS(newfstatat), 1,
		    SCMP_A3(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH));
	return (failed);
}

/* The C library asks /proc for the overcommit policy before it gives memory
 * back, and takes no for an answer; so opening fails instead of killing. */
static int refuse_opening(scmp_filter_ctx filter)
{
	return (seccomp_rule_add(
	    filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(openat), 0));
}

static int load(const int *more, size_t count)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int failed;

	if (filter == NULL)
		return (-ENOMEM);
	failed = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (failed == 0)
		failed =
		    allow(filter, common, sizeof(common) / sizeof(*common));
	if (failed == 0)
		failed = allow(filter, more, count);
	if (failed == 0)
		failed = allow_some(filter);
	if (failed == 0)
		failed = allow_threads(filter);
	if (failed == 0)
		failed = refuse_opening(filter);
	if (failed == 0)
		failed = seccomp_load(filter);
	seccomp_release(filter);
	return (failed);
}

static enum sn_err enter(const int *more, size_t count, struct sn_why *why)
{
	const char *lacks = SANDBOX_SANITIZED ? "built with sanitizers" : NULL;
	int failed;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    sn_secret_process() != SN_OK)
		return (sn_why_errno(why, SN_EIO, "cannot give up privileges"));
	if (lacks == NULL && (failed = load(more, count)) != 0)
		lacks = strerror(-failed);
	if (lacks != NULL)
		sn_log(SN_WARN, "sandbox.reduced", "what=seccomp why=\"%s\"",
		    lacks);
	return (SN_OK);
}

enum sn_err sandbox_enter_net(struct sn_why *why)
{
	return (enter(net_alone, sizeof(net_alone) / sizeof(*net_alone), why));
}

enum sn_err sandbox_enter_keeper(struct sn_why *why)
{
	return (enter(
	    keeper_alone, sizeof(keeper_alone) / sizeof(*keeper_alone), why));
}
