#ifndef SN_CLIENT_TALK_H
#define SN_CLIENT_TALK_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/bytes.h"
#include "lib/err.h"
#include "lib/frame.h"
#include "lib/name.h"

/*
 * One conversation as far as it is in memory: a stretch of its messages
 * without a gap, up to the newest, and what is known of the others in it.
 * Older messages are at the server.
 */
#define TALK_KEPT 300           /* Messages of one that is not shown. */
#define TALK_KEPT_BYTES 1048576 /* Of their bodies. */
#define TALK_MOST 5000          /* Of the one that is. */
#define TALK_MOST_BYTES 16777216
#define TALK_PEERS 64 /* Of more nobody is told who has read what. */

#define TALK_NOT UINT64_MAX

enum talk_state {
	TALK_WAITING, /* Ours; not stored yet. */
	TALK_STORED,
	TALK_REFUSED, /* Ours; ${why} says why it was not stored. */
	TALK_NOTE,    /* No message: what happened in a room. */
};

struct talk_message {
	enum talk_state state;
	uint64_t seq;     /* 0 while it has none. */
	uint64_t time;    /* ms since 1970. */
	uint64_t expires; /* As ${time}, by the server's clock; 0: never. */
	uint32_t ref;     /* Of its SEND. */
	uint8_t id[SN_FRAME_ID];
	bool own;
	char from[SN_NAME_MAX + 1];
	char type[65];
	char *why;
	size_t n;
	char body[];
};

struct talk_peer {
	char name[SN_NAME_MAX + 1];
	char state[17]; /* As in PRESENCE; "": unknown. */
	uint64_t delivered, read;
	uint64_t typing; /* Until then, sn_clock_mono(). */
};

struct talk {
	char name[SN_NAME_ROOM_MAX + 1]; /* "bob" or "#ops". */
	char topic[257];
	uint64_t members; /* Of a room; 0: unknown. */
	bool gone;        /* Left, or deleted. */

	struct talk_message **all; /* By seq, those without one last. */
	size_t count, room, bytes;
	unsigned waiting; /* How many are TALK_WAITING. */
	bool more;        /* There are older ones at the server. */
	uint64_t ends;    /* When the first of them expires; 0: none does. */

	struct talk_peer peers[TALK_PEERS];
	size_t peer_count;

	/* Up to where this account has read: at the server, as told by us,
	 * and when the conversation was opened (TALK_NOT: all of it). */
	uint64_t read, told, opened;
	bool read_known;

	/* What the controller has to ask the server for. */
	bool wants_history, wants_older, wants_receipts, wants_presence;
	bool asked_older; /* On its way. */

	/* The lowest message on the screen and how many of its lines are
	 * below; NULL: the end. */
	const struct talk_message *anchor;
	int below;

	char *draft; /* What was typed and not sent, while not shown. */
	size_t draft_n;
};

/** talk_new(name, out): SN_ENOMEM. */
enum sn_err talk_new(const char *name, struct talk **out) SN_MUST_USE;
void talk_free(struct talk *talk);

/** talk_is_room(talk): its name begins with #. */
bool talk_is_room(const struct talk *talk);

/**
 * talk_add(talk, m, own):
 * A message that came, in its place, once.  What waits as ours under the same
 * id becomes it.  SN_ENOMEM.
 */
enum sn_err talk_add(
    struct talk *talk, const struct sn_frame_deliver *m, bool own) SN_MUST_USE;

/** talk_note(talk, seq, time, text): something that happened.  SN_ENOMEM. */
enum sn_err talk_note(struct talk *talk, uint64_t seq, uint64_t time,
    const char *text) SN_MUST_USE;

/** talk_say(talk, ref, id, me, time, body): ours, on its way; those that were
 * refused go.  SN_ENOMEM. */
enum sn_err talk_say(struct talk *talk, uint32_t ref,
    const uint8_t id[SN_FRAME_ID], const char *me, uint64_t time,
    struct sn_bytes body) SN_MUST_USE;

/** talk_stored(talk, stored): whether it was one of ours that waits here. */
bool talk_stored(struct talk *talk, const struct sn_frame_stored *stored);
/** talk_refused(talk, ref, why): the same, when it will not be. */
bool talk_refused(struct talk *talk, uint32_t ref, const char *why);

/** talk_peer(talk, name): what is known of somebody; NULL when there are
 * too many already. */
struct talk_peer *talk_peer(struct talk *talk, struct sn_bytes name);
/** talk_forget(talk, name): somebody has left. */
void talk_forget(struct talk *talk, struct sn_bytes name);

/** talk_read(talk, seq): this account has read up to there. */
void talk_read(struct talk *talk, uint64_t seq);

/** talk_unread(talk, more): how many of the others' are not read; *${more}:
 * at least. */
size_t talk_unread(const struct talk *talk, bool *more);

/** talk_first(talk), talk_last(talk): lowest and highest seq, 0: none. */
uint64_t talk_first(const struct talk *talk);
uint64_t talk_last(const struct talk *talk);

/** talk_full(talk): no older ones are taken into memory. */
bool talk_full(const struct talk *talk);

/** talk_has(talk, seq): whether that message is in memory. */
bool talk_has(const struct talk *talk, uint64_t seq);

/** talk_trim(talk, shown): forget the oldest above what may be kept, which is
 * twice as much while somebody reads among them. */
void talk_trim(struct talk *talk, bool shown);

/** talk_expire(talk, now): forget those that have expired by ${now}, ms since
 * 1970 by the server's clock. */
void talk_expire(struct talk *talk, uint64_t now);

/** talk_clear(talk): forget all messages that have a seq. */
void talk_clear(struct talk *talk);

/**
 * talk_mark(talk, i, out, size):
 * How far the i-th message, ours, has come: "", "sending", "stored",
 * "delivered" or "read", in rooms with how many of them; returns ${out}.
 */
const char *talk_mark(
    const struct talk *talk, size_t i, char *out, size_t size);

#endif
