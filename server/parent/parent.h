#ifndef SERVER_PARENT_PARENT_H
#define SERVER_PARENT_PARENT_H

#include <stdbool.h>
#include <stdint.h>

#include "server/parent/child.h"
#include "server/parent/input.h"
#include "server/parent/latch.h"
#include "server/parent/listeners.h"

/*
 * A backup that is being made: the folder, or "".  See backup.h.
 */
struct backup {
	char dir[4096];
};

/*
 * The parent: reads the configuration and every file (input.c), starts keeper
 * and net (children.c), restarts what dies, and answers administrators
 * (control.c, command.c).  It never meets the network.
 */
struct parent {
	const char *path; /* Of the configuration. */
	struct input input;
	struct listeners listeners;
	int data_lock;
	struct child keeper, net;
	uint64_t started, restarts;
	struct backup backup;
	bool stopping;
	struct latch latch;
	int status;
};

/** parent_run(path): be sicherd; returns the exit status. */
int parent_run(const char *path);

#endif
