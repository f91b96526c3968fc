#ifndef BENCH_CREW_H
#define BENCH_CREW_H

#include <stddef.h>
#include <stdint.h>

#include "bench/conn.h"
#include "bench/people.h"
#include "bench/plan.h"

/*
 * The connections of a workload, and the loop that turns them.  A workload
 * is written from top to bottom: raise the crew, have it follow, send, and
 * read the meter in between; only what happens with each message is told by
 * the events.
 */
struct crew {
	const struct plan *plan;
	struct people people;
	struct conn_house house;
	struct conn *conns;
	size_t count;
	void *load; /* The workload's. */

	/* While it is raised. */
	size_t next, pending, open;
	size_t returned; /* Ended, and dialled again after a pause. */
	size_t ready;    /* conn_readied so far. */

	enum sn_err err; /* The first that ended the run. */
	struct sn_why why;
};

/**
 * crew_open(plan, out, why):
 * The people of the plan, no connections yet.  ${out} must not move.
 */
enum sn_err crew_open(
    const struct plan *plan, struct crew *out, struct sn_why *why) SN_MUST_USE;
void crew_free(struct crew *crew);

/**
 * crew_man(crew, count, shared, why):
 * ${count} connections, closed, of people in their order; where there are
 * more connections than people, each has several if ${shared}, else it is
 * SN_ENOTFOUND.
 */
enum sn_err crew_man(struct crew *crew, size_t count, bool shared,
    struct sn_why *why) SN_MUST_USE;

/**
 * crew_raise(crew, from, to, at_once):
 * Log all of these in, ${at_once} at a time at most.  Those that the server
 * had no time for come again after a pause, counted in crew->returned.
 */
enum sn_err crew_raise(
    struct crew *crew, size_t from, size_t to, size_t at_once) SN_MUST_USE;

/** crew_await(crew, ready): turn until crew->ready has got so far. */
enum sn_err crew_await(struct crew *crew, size_t ready) SN_MUST_USE;

/** crew_turn(crew, wait_ms): once; what ended a run is in crew->err. */
enum sn_err crew_turn(struct crew *crew, int wait_ms) SN_MUST_USE;

/** crew_leave(crew): close all with a goodbye. */
void crew_leave(struct crew *crew);

/**
 * crew_settle(crew, reading):
 * Turn until the server has used no CPU for half a second, 20 s at most,
 * then read the meter.
 */
enum sn_err crew_settle(
    struct crew *crew, struct meter_reading *reading) SN_MUST_USE;

#endif
