#ifndef SERVER_PARENT_CHILD_H
#define SERVER_PARENT_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <jansson.h>

#include "lib/err.h"

/*
 * One of the parent's two children: a forked process and the socket over
 * which it answers requests in JSON.
 */
struct child {
	const char *name;
	pid_t pid; /* 0: not running. */
	int fd;
	uint64_t last_id;
	uint64_t started[3]; /* Monotonic: the latest starts, oldest first. */
};

/**
 * child_start(child, run, arg, keep, count, why):
 * Fork; in the child, close every descriptor but the standard ones,
 * its socket and ${keep}, give signals their defaults, and exit with what
 * ${run} returns.  Waits for the child's {"id":0,"ok":true}.
 */
enum sn_err child_start(struct child *child, int (*run)(void *arg, int ctl_fd),
    void *arg, const int *keep, unsigned count, struct sn_why *why) SN_MUST_USE;

/** child_may_start(child, now): not started three times within a minute. */
bool child_may_start(const struct child *child, uint64_t now);

/**
 * child_ask(child, request, fds, count):
 * Send ${request}, which it takes, with descriptors, and wait for the
 * answer, at most half a minute.  Always an object; {"ok":false,...} when
 * the child is gone or silent.
 */
json_t *child_ask(
    struct child *child, json_t *request, const int *fds, unsigned count);

/** child_ask_id(child, cmd, id): about the account of this id. */
json_t *child_ask_id(struct child *child, const char *cmd, json_int_t id);

/** child_gone(child): it has been reaped. */
void child_gone(struct child *child);

/** child_ok(reply): whether it says "ok". */
bool child_ok(const json_t *reply);

#endif
