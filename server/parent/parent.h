#ifndef SERVER_PARENT_PARENT_H
#define SERVER_PARENT_PARENT_H

#include <stdatomic.h>
#include <stdint.h>

#include "lib/err.h"
#include "server/parent/child.h"
#include "server/parent/listeners.h"
#include "server/base/material.h"
#include "server/base/settings.h"

/*
 * A backup that is being made: the folder, or "".  See backup.h.
 */
struct backup {
	char dir[4096];
};

/*
 * The parent: reads the configuration and every file, starts keeper and
 * net, connects them, restarts what dies, and answers administrators
 * (control.c).  It never meets the network.
 */
struct parent {
	const char *path; /* Of the configuration. */
	struct settings *settings;
	struct material *material;
	struct listeners listeners;
	int data_lock;
	struct child keeper, net;
	uint64_t started, restarts;
	struct backup backup;
	bool stopping;
	/* The disk failed: net may not write any more, however often it is
	 * started.  Shared with it, so that no way to die forgets it.  The
	 * keeper's own, which net does not see. */
	atomic_int *latch, *keeper_latch;
	bool latch_told;
	int status;
};

/** parent_warn(settings, material, to): a line about each certificate and
 * list in what parent_check found good that has ended or will soon; how many
 * there are. */
unsigned parent_warn(
    const struct settings *settings, const struct material *material, FILE *to);

/**
 * parent_check(path, settings, material, report):
 * Read and check all that a start or a reload needs, every error in
 * ${report}: what `sicherd -t` does.
 */
enum sn_err parent_check(const char *path, struct settings **settings,
    struct material **material, struct sn_conf_report *report) SN_MUST_USE;

/** parent_latched(p): a disk has failed, and what is on it is only read until
 * the next start. */
bool parent_latched(const struct parent *p);

/** parent_run(path): be sicherd; returns the exit status. */
int parent_run(const char *path);

/** parent_reload(p): SIGHUP, and the command; the answer to it. */
json_t *parent_reload(struct parent *p);

/** parent_ask(child, cmd, key, value): a request with one number. */
json_t *parent_ask_id(struct child *child, const char *cmd, json_int_t id);

#endif
