#ifndef BENCH_PROTOCOL_H
#define BENCH_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/bytes.h"

/*
 * The seam between the workloads and what a server speaks.  A protocol
 * writes into its connection with conn_put, and tells what it reads through
 * conn_opened, conn_readied, conn_stored, conn_received and conn_end.
 */
struct conn;

/* A message to be published. */
struct post {
	const char *to;  /* The receiver's name, or the room's. */
	unsigned number; /* The receiver's connection. */
	bool room;
	struct sn_bytes body;
};

struct protocol {
	const char *name;
	bool alpn;   /* The server asks for that of SicherNetz. */
	bool greets; /* It speaks a line first, and TLS begins behind it. */
	bool lossy_rooms; /* Rooms have messages that are not kept. */
	size_t lossy_max; /* Of such a body to a person; 0: as of others. */

	/* TLS is up: log in; conn_opened when that is done. */
	void (*login)(struct conn *c);

	/* The server had no time for the login: once more, after the pause
	 * that conn_pause was told.  NULL where that does not happen. */
	void (*again)(struct conn *c);

	/*
	 * Take the first message of ${n} bytes: how many bytes it had, 0
	 * when it is not complete, PROTOCOL_BROKEN when it is none.
	 */
	size_t (*take)(struct conn *c, const uint8_t *p, size_t n);

	/* All that has come was taken: acknowledge it.  May be NULL. */
	void (*turn)(struct conn *c);

	/*
	 * Each ends in conn_readied.  Make a room (NULL: they need not be
	 * made); receive what is sent to this person, and to ${room} where
	 * that is not NULL; have the server keep what is sent to this person
	 * when it is away (NULL: it does so anyway).
	 */
	void (*found)(struct conn *c, const char *room);
	void (*follow)(struct conn *c, const char *room);
	void (*keep)(struct conn *c);

	/* Let the two know each other, where they must before a message that
	 * is not kept; ends in conn_readied.  May be NULL. */
	void (*meet)(struct conn *c, const char *whom);

	/* With house->durable the message is to be kept, and its
	 * acknowledgement told by conn_stored. */
	void (*publish)(struct conn *c, const struct post *post);

	/* Say goodbye; nothing is awaited.  May be NULL. */
	void (*leave)(struct conn *c);
};

#define PROTOCOL_BROKEN SIZE_MAX

/** protocol_names(): all of them, for people; static storage. */
const char *protocol_names(void);

/** protocol_find(name): NULL when there is none. */
const struct protocol *protocol_find(const char *name);

extern const struct protocol protocol_sicher, protocol_mqtt, protocol_nats,
    protocol_bare;

#endif
