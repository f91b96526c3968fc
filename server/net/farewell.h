#ifndef SERVER_NET_FAREWELL_H
#define SERVER_NET_FAREWELL_H

#include <stdint.h>

struct net;

/**
 * farewell(net, account):
 * An account that is about to be deleted leaves its rooms as anybody does,
 * one after the other, so that their members hear of it.  What is left of
 * them, or comes in between, its deletion takes along without a word.
 */
void farewell(struct net *net, uint64_t account);

#endif
