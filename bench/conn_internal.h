#ifndef BENCH_CONN_INTERNAL_H
#define BENCH_CONN_INTERNAL_H

/* Between the files of a connection only. */

#include "bench/conn.h"

/** conn_mark_dirty(c): it has something to write when this turn ends. */
void conn_mark_dirty(struct conn *c);

/** conn_flush(c): write what is put, as far as the socket takes it. */
void conn_flush(struct conn *c);

/** conn_shake(c): go on with the handshake; behind it begins the login. */
void conn_shake(struct conn *c);

/** conn_read(c): all that has come, message by message. */
void conn_read(struct conn *c);

/** conn_wait_no_more(c): out of its pause, if it is in one. */
void conn_wait_no_more(struct conn *c);

#endif
