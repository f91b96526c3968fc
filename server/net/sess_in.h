#ifndef SERVER_NET_SESS_IN_H
#define SERVER_NET_SESS_IN_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"

struct sess;

/*
 * What a session hears: records become frames, and each is acted on before
 * the next is looked at.  Whoever may not be heard at the moment -- too fast,
 * too much under way, no room for answers, its share of the turn used up -- is
 * not read, and what it sends waits in the network.
 */
struct sess_in {
	struct sn_buf kept; /* Read, and not acted on. */
	bool paused;        /* It is not read. */
	bool throttled;     /* Over its rate: one of the loop's. */
	struct sess *next;  /* Of these. */
	uint64_t frames;    /* Acted on. */
	/* What the next one must be able to read, and since when; 0: nothing
	 * is waited for. */
	uint64_t seen, seen_at;
};

/** sess_in_eat(s): act on what was kept, as far as may be. */
void sess_in_eat(struct sess *s);

/** sess_in_read(s): read and act, a turn's share at most; the session may be
 * closed afterwards. */
void sess_in_read(struct sess *s);

#endif
