#ifndef SERVER_BASE_MAILBOX_H
#define SERVER_BASE_MAILBOX_H

#include "lib/err.h"
#include "lib/poll.h"

/*
 * Work that other threads hand to a loop.  Posting wakes the loop once,
 * whatever has gathered; the loop takes all of it in one go, in order.
 */
struct mail {
	struct mail *next;
	void (*run)(void *owner, struct mail *mail); /* In the loop's thread;
							owns ${mail}. */
};

struct mailbox;

/** mailbox_new(poll, owner, out): ${owner} is what run is given. */
enum sn_err mailbox_new(
    struct sn_poll *poll, void *owner, struct mailbox **out) SN_MUST_USE;

/** mailbox_free(box): no other thread may post any more; runs what is in. */
void mailbox_free(struct mailbox *box);

/** mailbox_post(box, mail): from any thread; takes ${mail}; cannot fail. */
void mailbox_post(struct mailbox *box, struct mail *mail);

#endif
