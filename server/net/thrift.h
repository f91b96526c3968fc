#ifndef SERVER_NET_THRIFT_H
#define SERVER_NET_THRIFT_H

struct net;

/*
 * Memory that many connections needed and that few are left to use.  The C
 * library keeps what is freed for the next who needs it; after a storm that
 * would be as much as the storm took, for ever.
 */
struct thrift {
	unsigned most, last; /* Connections: since it was given back, and
			      * at the last look. */
};

/**
 * thrift_look(net):
 * Main thread, once a second: give memory back to the system when a good part
 * of the connections have gone and no more are going.  Takes some milliseconds
 * then, beside the loops; one that allocates meanwhile may wait for it.
 */
void thrift_look(struct net *net);

#endif
