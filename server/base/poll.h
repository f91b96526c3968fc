#ifndef SERVER_BASE_POLL_H
#define SERVER_BASE_POLL_H

#include <stdbool.h>

#include "lib/err.h"

/*
 * Waiting for descriptors (epoll, level-triggered), for one thread.  What
 * is watched embeds a poll_watch; its function is called when the
 * descriptor can be read, can be written, or has hung up.
 */
struct poll_watch {
	void (*ready)(struct poll_watch *watch, bool read, bool write);
	int fd;
	bool read;
	bool write;
};

struct poll;

enum sn_err poll_new(struct poll **out) SN_MUST_USE;
void poll_free(struct poll *p);

/** poll_add(p, w): begin to watch w->fd for what w->read and w->write say. */
enum sn_err poll_add(struct poll *p, struct poll_watch *w) SN_MUST_USE;

/** poll_want(p, w, read, write): from now on for these. */
void poll_want(struct poll *p, struct poll_watch *w, bool read, bool write);

/** poll_remove(p, w): events of this turn that wait for it are dropped. */
void poll_remove(struct poll *p, struct poll_watch *w);

/** poll_turn(p, timeout_ms): wait once (-1: for ever) and call. */
enum sn_err poll_turn(struct poll *p, int timeout_ms) SN_MUST_USE;

#endif
