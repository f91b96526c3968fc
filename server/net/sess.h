#ifndef SERVER_NET_SESS_H
#define SERVER_NET_SESS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/frame.h"
#include "lib/name.h"
#include "server/gate/gate.h"
#include "server/keeper/keeper_client.h"
#include "server/net/allowance.h"
#include "server/net/deadline.h"
#include "server/net/door.h"
#include "server/net/sess_in.h"
#include "server/net/sess_out.h"
#include "lib/poll.h"

struct loop;
struct cursor;
struct history;
struct listing;
struct sn_tls;

/*
 * One connection.  It is its pending operations: NULL or false means not
 * pending, every start has a cancel, and freeing is the list of cancels.
 *
 *	waiting -> tls -> hello -> auth -> ready -> draining -> closed
 *	                             \-> choose -/
 *
 * sess_enter alone writes the state; which moves are legal is a table.
 */
enum sess_state {
	SESS_WAITING, /* For its turn; see door.h. */
	SESS_TLS,
	SESS_HELLO,
	SESS_AUTH,
	SESS_CHOOSE,
	SESS_READY,
	SESS_DRAINING,
	SESS_CLOSED,
	SESS_STATES
};

/* What the session waits for the keeper, or for the log, to answer. */
enum sess_login {
	SESS_LOGIN_NONE,
	SESS_LOGIN_PASSWORD,
	SESS_LOGIN_RESUME,
	SESS_LOGIN_CHANGE,
	SESS_LOGIN_LOGOUT,
	SESS_LOGIN_BIND, /* The device is being bound in the log. */
};

/* Delivery; see follow.c. */
struct sess_follow {
	struct cursor *cursor; /* NULL: no SYNC yet. */
	bool live;         /* Caught up: fed from memory as batches commit. */
	uint64_t position; /* All up to here was sent or is not for us. */
	uint64_t credit_frames, credit_bytes;
	uint64_t sent_frames, sent_bytes;
};

/* Receipts for what it acknowledges; see receipt_delivered.h. */
struct sess_receipts {
	struct sess *next; /* Of those that are due. */
	bool due;
	uint64_t from, to;    /* Acknowledged, and not yet told of. */
	uint64_t at, read_at; /* When of either kind was told last. */
};

struct sess {
	/* What each frame touches, in and out; the rest is looked at when it
	 * comes and goes, and once a second. */
	struct sn_poll_watch watch; /* First: sess_ready is given this. */
	struct loop *loop;
	struct sn_tls *tls;
	struct sess *next_of_account;
	uint64_t account;  /* From auth on. */
	uint64_t features; /* What its client knows: SN_FEATURE_*. */
	enum sess_state state;
	bool again;
	bool failed;  /* TLS has: only thrown-away input is left. */
	bool surplus; /* Its account has as many as it may; see allowance.h. */
	struct sess_out out;
	struct sess_in in;
	uint64_t heard; /* Monotonic nanoseconds, as are those below. */
	struct history *history; /* A HISTORY being answered. */
	struct listing *listing; /* One of its lists. */
	uint64_t flight_bytes;   /* Of operations that are not answered. */
	unsigned in_flight;      /* How many these are. */
	enum sess_login login;
	struct allowance_share frames, signals;
	struct sess_follow follow;
	struct gate_peer *peer; /* Filled in from hello on. */
	char account_name[SN_NAME_MAX + 1];

	bool following;           /* One of the loop's followers. */
	bool unsettled;           /* It waits for the log's tables. */
	bool uncounted;           /* There was no memory to count its host. */
	bool present, away;       /* See presence.c. */
	struct sess *prev, *next; /* Of the loop's sessions. */
	struct sess *next_again;  /* Has more to do next turn. */
	struct sess *next_unsettled;
	uint64_t id;
	struct gate_visit *visit; /* While in the handshake. */
	uint8_t *leaf;            /* Its certificate, until ready. */
	size_t leaf_len;
	char address[64];
	uint64_t host; /* The same, as addresses.h counts it. */
	struct door_guest door;
	struct deadline deadline; /* See deadline.h. */
	uint64_t since, pinged;
	uint64_t waited; /* Since when it waits for AUTH's answer. */
	uint64_t login_ref;
	unsigned refused;                    /* Passwords on this connection. */
	const char *admitted_by;             /* For the log: password, token. */
	struct keeper_answer *admitted;      /* Until READY is sent. */
	struct allowance_account *allowance; /* While it is ready. */
	uint64_t messages_in, messages_out;
	struct sess_receipts receipts;
};

/** sess_accept(loop, fd, host, address): a session on a connected socket,
 * which waits for its turn; takes ${fd}, whatever happens. */
void sess_accept(struct loop *loop, int fd, uint64_t host, const char *address);

/** sess_enter(s, to): the one writer of the state.  A move that is not
 * legal is our bug: false, and the session is being closed. */
bool sess_enter(struct sess *s, enum sess_state to);

/** sess_bye(s, code, text): say why behind what is queued, and end.
 * Nothing when it is ending already. */
void sess_bye(struct sess *s, const char *code, const char *text);

/** sess_refuse(s, code, text): the same when the line in the log that says so
 * has been written already. */
void sess_refuse(struct sess *s, const char *code, const char *text);

/** sess_expel(s, code, text): the same for one that may not stay: what was
 * queued and not yet given to TLS is not sent. */
void sess_expel(struct sess *s, const char *code, const char *text);

/** sess_drop(s): end without a word. */
void sess_drop(struct sess *s);

/** sess_linger(s): TLS has failed, and its alert says why: throw away what the
 * peer still sends until it has had time to read that. */
void sess_linger(struct sess *s);

/** sess_fault(s, what): a broken invariant of ours; test builds abort. */
void sess_fault(struct sess *s, const char *what);

/** sess_recheck(s): against the gate in force; true when it was closed. */
bool sess_recheck(struct sess *s);

/** sess_free(s): cancel all that is pending; end of the loop's turn. */
void sess_free(struct sess *s);

#endif
