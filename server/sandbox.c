#include "server/sandbox.h"

#include <sys/prctl.h>

#include "lib/secret.h"

static enum sn_err common(struct sn_why *why)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    sn_secret_process() != SN_OK)
		return (sn_why_errno(why, SN_EIO, "cannot give up privileges"));
	return (SN_OK);
}

enum sn_err sandbox_enter_net(struct sn_why *why)
{
	return (common(why));
}

enum sn_err sandbox_enter_keeper(const char *data, struct sn_why *why)
{
	(void)data;
	return (common(why));
}
