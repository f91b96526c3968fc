#ifndef SERVER_PARENT_LISTENERS_H
#define SERVER_PARENT_LISTENERS_H

#include "server/base/settings.h"

/*
 * The listening sockets: one a loop, all on the configured address and one
 * port (SO_REUSEPORT), bound before anything is given up.
 */
#define LISTENERS_MAX 64

struct listeners {
	int fds[LISTENERS_MAX]; /* One a loop. */
	unsigned count;
	char address[80]; /* As bound: the port is known. */
};

/** listeners_check(settings, why): SN_EINVAL for an address that is none. */
enum sn_err listeners_check(
    const struct settings *settings, struct sn_why *why) SN_MUST_USE;

/** listeners_open(settings, out, why): SN_EINVAL for an address that is
 * none, SN_EINUSE when the port is taken, by this user's processes as well;
 * waits some seconds for that to end.  SN_EIO. */
enum sn_err listeners_open(const struct settings *settings,
    struct listeners *out, struct sn_why *why) SN_MUST_USE;
void listeners_close(struct listeners *l);

#endif
