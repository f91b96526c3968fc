#ifndef SERVER_NET_ADDRESSES_H
#define SERVER_NET_ADDRESSES_H

#include <stdint.h>
#include <sys/socket.h>

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

/**
 * addresses_key(a, from):
 * Whom to count ${from} for, never 0: an IPv4 address, or the /64 of an IPv6
 * address, of which whoever has one has them all.
 */
uint64_t addresses_key(
    const struct addresses *a, const struct sockaddr_storage *from);

/** addresses_admit(a, key): count one in; SN_ELIMIT when its address has too
 * many, SN_EFULL when there are too many in all. */
enum sn_err addresses_admit(struct addresses *a, uint64_t key) SN_MUST_USE;

/** addresses_enter(a, key): one more that is not to be refused.  SN_ENOMEM, and
 * it is not counted: then addresses_leave would take away another's. */
enum sn_err addresses_enter(struct addresses *a, uint64_t key) SN_MUST_USE;

/** addresses_leave(a, key): one less of those that were counted. */
void addresses_leave(struct addresses *a, uint64_t key);

/** addresses_gone(a): one connection less in all. */
void addresses_gone(struct addresses *a);

/** addresses_count(a): connections in all. */
unsigned addresses_count(struct addresses *a);

#endif
