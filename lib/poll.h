#ifndef SN_LIB_POLL_H
#define SN_LIB_POLL_H

#include <stdbool.h>

#include "lib/err.h"

/*
 * Waiting for descriptors (epoll, level-triggered), for one thread.  What
 * is watched embeds a sn_poll_watch; its function is called when the
 * descriptor can be read, can be written, or has hung up.
 */
struct sn_poll_watch {
	void (*ready)(struct sn_poll_watch *watch, bool read, bool write);
	int fd;
	bool read;
	bool write;
};

struct sn_poll;

enum sn_err sn_poll_new(struct sn_poll **out) SN_MUST_USE;
void sn_poll_free(struct sn_poll *p);

/** sn_poll_add(p, w): begin to watch w->fd for what w->read and w->write say. */
enum sn_err sn_poll_add(struct sn_poll *p, struct sn_poll_watch *w) SN_MUST_USE;

/** sn_poll_want(p, w, read, write): from now on for these. */
void sn_poll_want(
    struct sn_poll *p, struct sn_poll_watch *w, bool read, bool write);

/** sn_poll_remove(p, w): events of this turn that wait for it are dropped. */
void sn_poll_remove(struct sn_poll *p, struct sn_poll_watch *w);

/** sn_poll_turn(p, timeout_ms): wait once (-1: for ever) and call. */
enum sn_err sn_poll_turn(struct sn_poll *p, int timeout_ms) SN_MUST_USE;

#endif
