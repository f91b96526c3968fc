#ifndef SERVER_KEEPER_KEEPER_LINE_H
#define SERVER_KEEPER_KEEPER_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "server/keeper/keeper_wire.h"

/*
 * The line for Argon2.  Which account comes next is decided as in start-time
 * fair queueing, so that one with many requests waits for its own, not others
 * for it; of one device one at a time.  Who has been refused keeps a place
 * until its answer is due.
 */
#define KEEPER_LINE_MAX 4096       /* All accounts, refused ones included. */
#define KEEPER_LINE_OF_A_DEVICE 16 /* Of these. */

enum keeper_place_state { KEEPER_QUEUED, KEEPER_RUNNING, KEEPER_TURNED_AWAY };

/* A place in it; embedded in what has it. */
struct keeper_place {
	struct keeper_place *next; /* By due. */
	uint64_t account;
	uint8_t fp[KEEPER_FINGERPRINT];
	uint64_t arrived, due; /* Monotonic. */
	enum keeper_place_state state;
	bool unseen;   /* Turned away without a look at its password. */
	uint64_t turn; /* Start tag: the smallest is next. */
};

/* Zeroed, it is empty. */
struct keeper_line {
	struct keeper_place *first; /* The first that is due. */
	unsigned count, queued, running;
	uint64_t turn; /* Of the one that ran last. */
};

/** keeper_line_enter(line, place): with its account, device, arrival and due;
 * false when the line is full, or of its device too many are in it. */
bool keeper_line_enter(struct keeper_line *line, struct keeper_place *place);

/** keeper_line_leave(line, place): out of it. */
void keeper_line_leave(struct keeper_line *line, struct keeper_place *place);

/** keeper_line_next(line): the one whose turn it is, if any may run now. */
struct keeper_place *keeper_line_next(struct keeper_line *line);

/** keeper_line_run, keeper_line_refuse(line, place): it does, or never will. */
void keeper_line_run(struct keeper_line *line, struct keeper_place *place);
void keeper_line_refuse(struct keeper_line *line, struct keeper_place *place);

/** keeper_line_last(line): the queued one whose turn would come last, of equals
 * the latest: it belongs to the account that has the most in line. */
struct keeper_place *keeper_line_last(const struct keeper_line *line);

/** keeper_line_would_wait(line, place): whether it would still be in line had
 * its password been looked at. */
bool keeper_line_would_wait(
    const struct keeper_line *line, const struct keeper_place *place);

/** keeper_line_put_off(line, place, ns): due so much later. */
void keeper_line_put_off(
    struct keeper_line *line, struct keeper_place *place, uint64_t ns);

#endif
