#ifndef SERVER_NET_NET_H
#define SERVER_NET_NET_H

#include <stdatomic.h>

#include "server/base/settings.h"

struct material;
struct net;

/*
 * The process that meets the network and the messages.  It is given its
 * listening sockets and the bytes of the files, and opens its database; it
 * answers the parent over ${ctl_fd} (channel.h) with JSON, as admin.c says:
 * {"id":N,"cmd":...} -> {"id":N,"ok":true,...}.
 */
struct net_start {
	const struct settings *settings;
	const struct material *material;
	int ctl_fd;
	const int *listen_fds; /* One a loop. */
	unsigned listen_count;
	atomic_int *latch; /* Of its database: see lib/store.h. */
};

/** The exit status of a net whose database must be opened anew, and then
 * only be read: see sn_store_panicked. */
#define NET_PANICKED 75

/**
 * net_run(start):
 * Be net, in a process just forked, until told to drain or ctl_fd closes.
 * Says {"id":0,"ok":true} once it serves its database and waits for
 * "channels".  Returns the exit status, NET_PANICKED for one.
 */
int net_run(const struct net_start *start);

#endif
