#ifndef SERVER_NET_RECEIPT_POST_H
#define SERVER_NET_RECEIPT_POST_H

#include "server/net/loop.h"

/* Bytes of a RECEIPT at the most. */
#define RECEIPT_FRAME 208

/* One RECEIPT, and whose sessions get it: an account's, or a room's. */
struct receipt_told {
	uint64_t account, room; /* One of the two is 0. */
	size_t n;
	uint8_t frame[RECEIPT_FRAME];
};

#define RECEIPT_POST_MOST 64

/* What a turn has to tell, until it is posted to every loop. */
struct receipt_post {
	struct loop *loop;
	unsigned count;
	struct receipt_told told[RECEIPT_POST_MOST];
};

/** receipt_post_tell(p, account, room, f): RECEIPT to the sessions of an
 * account, or of a room's members (the other is 0), that asked for them. */
void receipt_post_tell(struct receipt_post *p, uint64_t account, uint64_t room,
    const struct sn_frame_receipt *f);

/** receipt_post_send(p): off with them.  What there is no memory for is
 * dropped: RECEIPTS asks. */
void receipt_post_send(struct receipt_post *p);

#endif
