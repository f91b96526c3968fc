#ifndef SERVER_NET_SETTLE_H
#define SERVER_NET_SETTLE_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct oplog_request;
struct sess;

/*
 * What the log has told of may not be in its tables yet (see oplog.h): who
 * reads messages from them waits here until it is.
 */

/** settle_reached(loop, seq): whether loop_read gives a snapshot that has all
 * up to ${seq}; or as much as can be had (oplog_readable). */
bool settle_reached(struct loop *loop, uint64_t seq);

/** settle_wait(s): it is fed, and works again, when the tables hold what has
 * been told of so far. */
void settle_wait(struct sess *s);

/** settle_soon(loop): a turn of this loop comes when they do; nothing is
 * hurried for it. */
void settle_soon(struct loop *loop);

/** settle_told(loop, request): the log's answer. */
void settle_told(struct loop *loop, const struct oplog_request *request);

/** settle_tick(loop): once a second: those whom a full disk kept waiting. */
void settle_tick(struct loop *loop);

/** settle_forget(loop): closed sessions wait for nothing. */
void settle_forget(struct loop *loop);

#endif
