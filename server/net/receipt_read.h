#ifndef SERVER_NET_RECEIPT_READ_H
#define SERVER_NET_RECEIPT_READ_H

#include "server/net/loop.h"

/*
 * *Read* is a mark of an account in a conversation (reads.h), set by READ and
 * told to all who are in it: at once, and then once a second.
 */

/** receipt_read_tick(loop): once a second: what has waited. */
void receipt_read_tick(struct loop *loop);

/** receipt_read_free(loop): what still waits. */
void receipt_read_free(struct loop *loop);

#endif
