#ifndef SERVER_NET_CERT_WATCH_H
#define SERVER_NET_CERT_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "lib/cert.h"

struct net;
struct settings;

/*
 * How long the certificates in force still last: the server's own, and those
 * of the authority above it and above the people.  Past the end of any of
 * them clients turn away, or are turned away, so the log says it early and
 * often, and status whenever it is asked.  It stops nothing: a server whose
 * certificate has ended must still take a newer one.
 */
enum cert_phase {
	CERT_FRESH,
	CERT_SOON, /* Within tls.certificate_alarm. */
	CERT_LAST, /* Within a quarter of that. */
	CERT_EXPIRED,
};

struct cert_end {
	bool own; /* The server's; else an authority's. */
	char name[SN_CERT_NAME];
	int64_t end; /* Seconds since 1970. */
};

#define CERT_WATCH_MOST 16

struct cert_watch {
	struct cert_end all[CERT_WATCH_MOST];
	size_t count;
	enum cert_phase phase; /* What was said last, */
	uint64_t told;         /* and when, monotonic. */
};

/** cert_watch_read(chain, authority, w): what stands in these two files, each
 * once; what cannot be read is left out. */
void cert_watch_read(
    struct sn_bytes chain, struct sn_bytes authority, struct cert_watch *w);

/** cert_watch_phase(settings, end, now): how it is about one. */
enum cert_phase cert_watch_phase(
    const struct settings *settings, const struct cert_end *end, int64_t now);

/** cert_watch_what(end, phase): the advice, "" while it is fresh. */
const char *cert_watch_what(const struct cert_end *end, enum cert_phase phase);

/** cert_watch_look(net): the main thread's, each second: say what is due. */
void cert_watch_look(struct net *net);

/** cert_watch_status(net, reply): put "certificate_state",
 * "certificate_left" and "certificates" into it. */
void cert_watch_status(const struct net *net, json_t *reply);

#endif
