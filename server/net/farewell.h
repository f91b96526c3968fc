#ifndef SERVER_NET_FAREWELL_H
#define SERVER_NET_FAREWELL_H

#include <stdint.h>

struct net;

/**
 * farewell(net, account):
 * An account that is about to be deleted leaves its rooms as anybody does,
 * one after the other, so that their members hear of it.  That takes a fifth of
 * a second at most, because the account lives on until then and the caller
 * answers nobody: what is left of them, or comes in between, its deletion
 * takes along without a word.
 */
void farewell(struct net *net, uint64_t account);

#endif
