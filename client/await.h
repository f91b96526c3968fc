#ifndef SN_CLIENT_AWAIT_H
#define SN_CLIENT_AWAIT_H

#include "client/app.h"

/* Whom a message has to have reached. */
struct await {
	struct app *app;
	const char *to;   /* Account or room. */
	const char *kind; /* "delivered" or "read", which is both. */
	uint64_t seq;     /* The message's. */
	uint64_t until;   /* sn_clock_mono() */
};

/**
 * await_receipts(w):
 * Wait until everybody it was for has it, telling each with --json.
 * SN_ETIMEOUT; SN_ELIMIT when the room is too large for receipts.
 */
enum sn_err await_receipts(const struct await *w) SN_MUST_USE;

#endif
