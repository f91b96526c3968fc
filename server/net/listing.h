#ifndef SERVER_NET_LISTING_H
#define SERVER_NET_LISTING_H

#include "lib/store.h"
#include "server/net/sess.h"

/*
 * A request whose answer is a frame for each row of a table that begins with
 * something, and END.  It is sent over as many turns as it takes: a long list
 * holds up nobody, and its reader reads as slowly as it likes.
 */
struct listing;

struct listing_kind {
	unsigned table;
	/* Whether the session may go on; asked each turn.  NULL: always. */
	enum sn_err (*check)(
	    struct sess *s, struct sn_txn *txn, const struct listing *l);
	/* The row's frame, or none; true in *${shown} when it was put. */
	enum sn_err (*show)(struct sess *s, struct sn_txn *txn,
	    const struct listing *l, struct sn_bytes key, bool *shown);
};

/** listing_begin(s, ref, kind, prefix): answer the request ${ref} with the
 * rows whose keys begin with ${prefix}, of at most 8 bytes.  What cannot be
 * done is told to the client. */
void listing_begin(struct sess *s, uint64_t ref,
    const struct listing_kind *kind, struct sn_bytes prefix);

/** listing_ref(l), listing_prefix(l): as it began. */
uint64_t listing_ref(const struct listing *l);
struct sn_bytes listing_prefix(const struct listing *l);

/** listing_feed(s): go on with the one that is being answered, if any. */
void listing_feed(struct sess *s);

/** listing_stop(s): forget it. */
void listing_stop(struct sess *s);

#endif
