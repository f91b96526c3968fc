#ifndef SERVER_NET_CLOCK_WATCH_H
#define SERVER_NET_CLOCK_WATCH_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "lib/store.h"
#include "server/base/clock_guard.h"
#include "server/oplog/oplog.h"

/*
 * Whether wall time is believed where something ends by it (clock_guard.h).
 * While it is not, nothing is removed and no ttl ends, and the log says so.
 */
struct clock_watch {
	atomic_bool held; /* It is not believed. */
	pthread_mutex_t lock;
	struct clock_guard guard; /* Guarded by ${lock}. */
	/* Of the thread that looks; monotonic ms of what comes next. */
	uint64_t note_next, remind_next;
};

/** clock_watch_open(w, txn): look at the time for the first time, beside the
 * latest that the database knows. */
enum sn_err clock_watch_open(
    struct clock_watch *w, struct sn_txn *txn) SN_MUST_USE;
void clock_watch_close(struct clock_watch *w);

/** clock_watch_look(w, log, wall): one thread's, now and then: whether the
 * time, in *${wall} (ms), is believed.  What has changed is logged, and the
 * time is noted in the database, so that a quiet server does not look like a
 * leap. */
bool clock_watch_look(struct clock_watch *w, struct oplog *log, uint64_t *wall);

/** clock_watch_accept(w): any thread: it is right, says an administrator;
 * false when nothing was held up. */
bool clock_watch_accept(struct clock_watch *w);

/** clock_watch_now(w): any thread: wall time in ms for judging a ttl; 0 while
 * it is not believed. */
uint64_t clock_watch_now(const struct clock_watch *w);

/** clock_watch_status(w, out): put "clock_held" into it. */
void clock_watch_status(const struct clock_watch *w, json_t *out);

#endif
