#ifndef BENCH_CONN_H
#define BENCH_CONN_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/people.h"
#include "bench/protocol.h"
#include "lib/buf.h"
#include "lib/poll.h"
#include "lib/tls.h"

/*
 * One connection of a person's to the server: TCP, TLS, login, messages.
 * Nothing blocks; what is put is written at the end of the turn, all of a
 * connection in one record where it fits.
 */
struct conn_events {
	/* Each may be NULL. */
	void (*opened)(struct conn *c);  /* Logged in. */
	void (*readied)(struct conn *c); /* found, follow or keep is done. */
	void (*stored)(struct conn *c);  /* One more is acknowledged. */
	void (*received)(struct conn *c, struct sn_bytes body);
	/* Over, in house->why; it is closed, and may be dialled again. */
	void (*ended)(struct conn *c);
	/* The pause of one that is closed is over. */
	void (*due)(struct conn *c);
};

enum conn_login {
	CONN_LOGIN_ANY, /* By token where there is one. */
	CONN_LOGIN_PASSWORD,
	CONN_LOGIN_TOKEN,
};

#define CONN_SCRATCH 65536

/* What all connections share. */
struct conn_house {
	struct sn_poll *poll;
	const struct protocol *protocol;
	struct conn_events events;
	struct sockaddr_in server;
	const char *server_name; /* That its certificate must bear. */
	unsigned sources;        /* Loopback addresses to dial from; or 0. */
	enum conn_login login;
	bool durable; /* Messages are to be kept, and acknowledged. */
	const struct sn_secret *password;
	void *arg; /* The workload's. */

	struct conn *dirty;   /* With something to write. */
	struct conn *waiting; /* In a pause. */
	uint64_t looked;      /* When those were last looked at. */
	size_t paused;        /* How often a login was told to wait. */
	struct sn_why why;    /* Of the last end. */
	bool may_return;      /* It may be better next time. */
	uint8_t scratch[CONN_SCRATCH];
};

enum conn_state {
	CONN_CLOSED,
	CONN_DIALLING, /* TCP */
	CONN_GREETING,
	CONN_SHAKING, /* TLS */
	CONN_LOGGING_IN,
	CONN_OPEN,
};

struct conn {
	struct sn_poll_watch watch; /* First. */
	struct conn_house *house;
	struct person *person;
	unsigned number; /* Among all of the program. */
	unsigned nth;    /* Among those of its person. */
	enum conn_state state;
	struct sn_tls *tls;
	struct sn_buf in, out;
	bool dirty;
	struct conn *next_dirty;
	uint64_t again_at; /* 0: not waiting. */
	struct conn *next_waiting;

	/* The protocol's. */
	uint64_t ref;
	uint64_t seen, acked;
	uint64_t acked_at; /* Monotonic. */
	uint64_t frames, bytes, granted_frames, granted_bytes;
	unsigned step;

	/* The workload's. */
	struct conn *partner;
	uint64_t begun;
	unsigned losses; /* Since it was last open. */
	uint64_t sent, stored, received;
};

/** conn_init(c, house, person, number, nth): closed. */
void conn_init(struct conn *c, struct conn_house *house, struct person *person,
    unsigned number, unsigned nth);

/** conn_dial(c, why): begin; what comes of it is told by the events. */
enum sn_err conn_dial(struct conn *c, struct sn_why *why) SN_MUST_USE;

/** conn_close(c): say goodbye and close, without an event. */
void conn_close(struct conn *c);

/** conn_cut(c): close without a word, as a lost network would. */
void conn_cut(struct conn *c);

/** conn_flush_all(house): write what was put; once at the end of a turn. */
void conn_flush_all(struct conn_house *house);

/** conn_wake_all(house): those whose pause is over go on. */
void conn_wake_all(struct conn_house *house);

/** conn_pause(c, ms): after this, protocol->again, or due if it is closed. */
void conn_pause(struct conn *c, uint64_t ms);

/** conn_put(c, size), conn_put_end(c, w): write up to ${size} bytes. */
struct sn_wr conn_put(struct conn *c, size_t size);
void conn_put_end(struct conn *c, const struct sn_wr *w);

/* What protocols tell. */
void conn_opened(struct conn *c);
void conn_readied(struct conn *c);
void conn_stored(struct conn *c);
void conn_received(struct conn *c, struct sn_bytes body);
/** conn_end(c, may_return, format, ...): it is over, and why. */
void conn_end(struct conn *c, bool may_return, const char *format, ...)
    SN_PRINTF(3, 4);

#endif
