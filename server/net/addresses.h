#ifndef SERVER_NET_ADDRESSES_H
#define SERVER_NET_ADDRESSES_H

#include "lib/err.h"

/*
 * How many connections each address has that are not logged in, and how
 * many there are in all, so that one address cannot take every place before
 * anybody knows who it is.  Any thread.
 */
struct addresses;

/** addresses_new(per_address, total, out): the two limits. */
enum sn_err addresses_new(
    unsigned per_address, unsigned total, struct addresses **out) SN_MUST_USE;
void addresses_free(struct addresses *a);

/** addresses_admit(a, address): count "host:port" in; SN_ELIMIT when it has
 * too many, SN_EFULL when there are too many in all. */
enum sn_err addresses_admit(
    struct addresses *a, const char *address) SN_MUST_USE;

/** addresses_enter, addresses_leave: one more or less before login. */
void addresses_enter(struct addresses *a, const char *address);
void addresses_leave(struct addresses *a, const char *address);

/** addresses_gone(a): one connection less in all. */
void addresses_gone(struct addresses *a);

/** addresses_count(a): connections in all. */
unsigned addresses_count(struct addresses *a);

#endif
