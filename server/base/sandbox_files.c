#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/landlock.h>

#include "lib/log.h"
#include "server/base/sandbox.h"
#include "server/base/sandbox_impl.h"

/* Younger than the headers we are built with. */
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (UINT64_C(1) << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (UINT64_C(1) << 15)
#endif

/* From exec to making symbolic links: what the first version knew. */
#define OLDEST ((UINT64_C(1) << 13) - 1)
#define BELOW                                                           \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | \
	    LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | \
	    LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE)

/* All that this kernel can forbid; 0 when it has no landlock. */
static uint64_t known_accesses(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
	uint64_t all = OLDEST;

	if (abi < 1)
		return (0);
	if (abi >= 2)
		all |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		all |= LANDLOCK_ACCESS_FS_TRUNCATE;
	if (abi >= 5)
		all |= LANDLOCK_ACCESS_FS_IOCTL_DEV;
	return (all);
}

static enum sn_err allow_below(
    int ruleset, const char *path, uint64_t known, struct sn_why *why)
{
	struct landlock_path_beneath_attr rule = { .allowed_access =
						       BELOW & known };
	enum sn_err err = SN_OK;

	rule.parent_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return (sn_why_errno(why, SN_EIO, "cannot open %s", path));
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH,
		&rule, 0) != 0)
		err = sn_why_errno(
		    why, SN_EIO, "cannot keep %s in the sandbox", path);
	(void)close(rule.parent_fd);
	return (err);
}

static void *leave(void *arg)
{
	pthread_exit(arg);
}

/* Argon2's threads end by pthread_exit(3), for which the C library loads
 * another at the first time: now, while it can. */
static enum sn_err load_unwinder(struct sn_why *why)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, leave, NULL) != 0 ||
	    pthread_join(thread, NULL) != 0)
		return (sn_why(why, SN_ENOMEM, "cannot start a thread"));
	return (SN_OK);
}

enum sn_err sandbox_files(const char *below, struct sn_why *why)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs =
						  known_accesses() };
	enum sn_err err = SN_OK;
	int ruleset;

	if ((err = load_unwinder(why)) != SN_OK)
		return (err);
	if (SANDBOX_SANITIZED || attr.handled_access_fs == 0) {
		sn_log(SN_WARN, "sandbox.reduced", "what=landlock why=\"%s\"",
		    SANDBOX_SANITIZED ? "built with sanitizers"
				      : "the kernel has none");
		return (SN_OK);
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return (sn_why_errno(why, SN_EIO, "cannot give up privileges"));
	ruleset =
	    (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (ruleset < 0)
		return (sn_why_errno(why, SN_EIO, "cannot make a sandbox"));
	if (below != NULL)
		err = allow_below(ruleset, below, attr.handled_access_fs, why);
	if (err == SN_OK &&
	    syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
		err = sn_why_errno(why, SN_EIO, "cannot enter the sandbox");
	(void)close(ruleset);
	return (err);
}
