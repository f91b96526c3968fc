#ifndef SERVER_NET_CIRCULAR_H
#define SERVER_NET_CIRCULAR_H

#include <stddef.h>

struct loop;
struct net;

/*
 * A circular: a paper that every loop reads in its own thread, several of them
 * at once.  Nobody writes on it once it is posted, and the last to have read
 * it throws it away.  It is made whole, so that posting it cannot fail.
 */
struct circular;

typedef void circular_read(struct loop *loop, const void *paper);

/** circular_new(net, size, read): one with a paper of ${size} bytes, to be
 * written; NULL when there is no memory. */
struct circular *circular_new(
    const struct net *net, size_t size, circular_read *read);

/** circular_paper(c): aligned for every type; it stays where it is. */
void *circular_paper(struct circular *c);

/** circular_free(c): one that was not posted; NULL is fine. */
void circular_free(struct circular *c);

/** circular_post(c): from any thread, to every loop; takes ${c}. */
void circular_post(struct circular *c);

/** circular_post_others(c, but): the same, to all loops but this one. */
void circular_post_others(struct circular *c, const struct loop *but);

#endif
