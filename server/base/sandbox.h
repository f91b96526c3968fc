#ifndef SERVER_BASE_SANDBOX_H
#define SERVER_BASE_SANDBOX_H

#include "lib/err.h"

/*
 * What a process gives up once it has what it needs: new privileges, exec,
 * the file system, system calls it does not use.  Where the kernel or the
 * build lacks something, a line sandbox.reduced says so and the rest is
 * still given up.
 */

/** sandbox_files(below, why): from now on open files below ${below} alone
 * (NULL: nowhere).  Holds for the calling thread and those it starts, so it
 * comes before the first.  What is open stays open. */
enum sn_err sandbox_files(const char *below, struct sn_why *why) SN_MUST_USE;

/** sandbox_enter_net(why): no files any more, no exec, no process besides this
 * one and no signal to one, no sockets but accepted ones; a system call beyond
 * that ends the process with SIGSYS, but opening a file, which fails with
 * EACCES.
 * Threads that run already are included. */
enum sn_err sandbox_enter_net(struct sn_why *why) SN_MUST_USE;

/** sandbox_enter_keeper(why): the same, and no connections either. */
enum sn_err sandbox_enter_keeper(struct sn_why *why) SN_MUST_USE;

#endif
