#ifndef SERVER_PARENT_APART_H
#define SERVER_PARENT_APART_H

#include "lib/err.h"

/**
 * apart(run, arg, what, why):
 * Call ${run} in a child process, which what it reads may kill, and return
 * its result and reason.  SN_ECORRUPT when a signal ended it; ${what} is
 * what it read.  Nothing else that it changes in memory comes back.
 */
typedef enum sn_err apart_run(void *arg, struct sn_why *why);
enum sn_err apart(apart_run *run, void *arg, const char *what,
    struct sn_why *why) SN_MUST_USE;

#endif
