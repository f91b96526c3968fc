#ifndef SERVER_NET_DEADLINE_H
#define SERVER_NET_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct sess;

/*
 * Sessions that must have come further by a time of their own: logged in, or
 * read our farewell, or taken another's place.  Those that are logged in have
 * none, and cost nothing here.  A deadline is met to DEADLINE_STEP_MS, and the
 * turns before the nearest one cost a comparison.
 */
#define DEADLINE_STEP_MS 50

struct deadline {
	bool set;
	uint64_t at; /* Monotonic ns. */
	struct sess *prev, *next;
};

/* Of a loop; all 0 at first. */
struct deadlines {
	struct sess *first;
	uint64_t nearest; /* 0: none. */
	uint64_t looked;  /* When they were last walked. */
};

/** deadline_set(s, at): its deadline from now on. */
void deadline_set(struct sess *s, uint64_t at);

/** deadline_add(s, ns): it has waited for us so long, and waits no more: that
 * was not its time. */
void deadline_add(struct sess *s, uint64_t ns);

/** deadline_clear(s): it has none any more; fine when it had none. */
void deadline_clear(struct sess *s);

/**
 * deadline_look(loop, now, late):
 * Call late(s) for each whose deadline is past, but for those that wait for
 * us.  ${late} may set or clear the deadline of its session, and of no other.
 */
void deadline_look(
    struct loop *loop, uint64_t now, void (*late)(struct sess *s));

/** deadline_timeout(loop, now, ms): how long the loop may sleep, at most
 * ${ms}. */
int deadline_timeout(const struct loop *loop, uint64_t now, int ms);

#endif
