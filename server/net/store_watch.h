#ifndef SERVER_NET_STORE_WATCH_H
#define SERVER_NET_STORE_WATCH_H

#include <stdatomic.h>
#include <stdint.h>

#include <jansson.h>

#include "lib/store.h"

/*
 * How full the database is.  The log says it from four fifths on, once an
 * hour, and status whenever it is asked.
 */
struct store_watch {
	atomic_ullong used, free, size; /* Bytes. */
	/* Of the thread that looks; monotonic ms of what comes next. */
	uint64_t look_next, remind_next;
};

/** store_watch_look(w, store): one thread's, now and then: say what is due. */
void store_watch_look(struct store_watch *w, struct sn_store *store);

/** store_watch_status(w, out): put "store_used", "store_free" and
 * "store_size" into it.  Any thread. */
void store_watch_status(const struct store_watch *w, json_t *out);

#endif
