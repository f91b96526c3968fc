#ifndef SERVER_NET_CRL_WATCH_H
#define SERVER_NET_CRL_WATCH_H

#include <stdint.h>

#include <jansson.h>

struct net;

/*
 * How long the revocation lists in force still last.  One that comes to its
 * end unnoticed shuts everybody out, so the log says it early and often, and
 * status whenever it is asked.
 */
enum crl_phase {
	CRL_FRESH,
	CRL_SOON,    /* Within tls.crl_alarm. */
	CRL_LAST,    /* Within a quarter of that. */
	CRL_GRACE,   /* Past its end, and still believed. */
	CRL_EXPIRED, /* Nobody new is let in. */
};

/* What was said last. */
struct crl_watch {
	enum crl_phase phase;
	uint64_t told; /* Monotonic. */
};

/** crl_watch_look(net): the main thread's, each second: say what is due. */
void crl_watch_look(struct net *net);

/** crl_watch_status(net, reply): put "crl_state" and "crl_lists" into it. */
void crl_watch_status(const struct net *net, json_t *reply);

#endif
