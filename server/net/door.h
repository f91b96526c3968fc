#ifndef SERVER_NET_DOOR_H
#define SERVER_NET_DOOR_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "server/base/map.h"

struct loop;
struct sess;
struct door_host;

/*
 * Whose turn it is to log in, of one loop's connections.  Of ten thousand
 * handshakes begun at once none ends in time, and what was done for them is
 * lost.  So a connection begins its own when it gets one of the loop's places
 * (its part of limits.logging_in), and until then costs its socket alone.
 *
 *	quiet -> in line -> has a place -> logged in, or gone
 *	  ^---------------------/ after a second
 *
 * A place is no right to stay, and losing it is no end: who has not logged in
 * within a second goes on without it.  So places come free, whatever those do
 * that have them.  Who has said nothing yet asks for none; addresses take
 * turns in the line, one has a quarter of the places at most, and the last
 * quarter is for addresses that have none: who knocks without end, or begins
 * and never ends, keeps no other address out, and needs as many addresses as
 * there are places to make one wait.
 */

enum door_where {
	DOOR_OUT,   /* Logged in, or ending: none of ours. */
	DOOR_QUIET, /* Its client keeps us waiting; the longest first. */
	DOOR_LINE,  /* It waits for its turn. */
	DOOR_PLACE, /* It logs in. */
};

/* In struct sess. */
struct door_guest {
	struct door_host *host; /* Its address; NULL when out. */
	struct sess *prev, *next;
	enum door_where where;
	uint64_t at; /* Since when it is there; monotonic. */
};

struct door_list {
	struct sess *first, *last;
	unsigned count;
};

#define DOOR_CROWDS 32 /* Powers of two of quiet ones at an address. */

/* All zero but what door_places sets: nobody is there. */
struct door {
	unsigned places, share; /* Of all, and of one address. */
	unsigned kept;          /* For addresses that have none. */
	struct door_list held;  /* Who has one; the longest first. */
	struct map hosts;       /* Key of the address -> door_host. */
	struct door_host *turn, *last_turn; /* Those with a line. */
	unsigned lines, in_line; /* How many these are, and in them. */
	struct door_host *crowds[DOOR_CROWDS];
	bool more; /* This turn of the loop's was over before the line. */
};

/** door_places(door, places): from now on so many. */
void door_places(struct door *door, unsigned places);

/** door_arrive(s): a new connection, whose client has said nothing yet. */
enum sn_err door_arrive(struct sess *s) SN_MUST_USE;

/** door_knock(s): its client has: stand in line. */
void door_knock(struct sess *s);

/** door_leave(s): it has logged in, or ends; nothing when it is out. */
void door_leave(struct sess *s);

/** door_open(loop): those whose turn it is begin to log in, as many as this
 * turn's time and the places allow. */
void door_open(struct loop *loop);

/** door_timeout(loop, ms): how long the loop may wait: ${ms} at most. */
int door_timeout(const struct loop *loop, int ms);

/**
 * door_make_room(loop):
 * No more connections fit: close one whose client has kept us waiting for
 * more than a second, of an address with about as many of these as any.
 * False when there is none.
 */
bool door_make_room(struct loop *loop);

/** door_free(door): when nobody is there any more. */
void door_free(struct door *door);

#endif
