#ifndef SERVER_SANDBOX_H
#define SERVER_SANDBOX_H

#include "lib/err.h"

/*
 * What a process gives up once it has what it needs: new privileges, exec,
 * the file system, system calls it does not use.  Where the kernel lacks
 * something, a log line says so and the rest is still given up.
 */

/** sandbox_enter_net(why): no files any more, no exec, no new sockets but
 * accepted ones.  Threads that run already are included. */
enum sn_err sandbox_enter_net(struct sn_why *why) SN_MUST_USE;

/** sandbox_enter_keeper(data, why): files below ${data} alone, no network. */
enum sn_err sandbox_enter_keeper(
    const char *data, struct sn_why *why) SN_MUST_USE;

#endif
