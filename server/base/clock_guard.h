#ifndef SERVER_BASE_CLOCK_GUARD_H
#define SERVER_BASE_CLOCK_GUARD_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Whether wall time may be believed where believing it deletes something.
 * It is compared with the last time that was stored, when the server
 * starts, and with monotonic time from then on.  A leap of a day or more,
 * either way, is not believed until it is taken back or an administrator
 * says that it is right.  Times are ms.
 */
#define CLOCK_GUARD_LEAP UINT64_C(86400000)

struct clock_guard {
	uint64_t wall, mono; /* A moment that was believed. */
	bool held;
};

/** clock_guard_start(g, wall, mono, last): ${last} is the latest time that
 * was ever stored; 0 when nothing was. */
void clock_guard_start(
    struct clock_guard *g, uint64_t wall, uint64_t mono, uint64_t last);

/** clock_guard_look(g, wall, mono): whether ${wall} is believed; sets
 * ${g->held} to the opposite. */
bool clock_guard_look(struct clock_guard *g, uint64_t wall, uint64_t mono);

/** clock_guard_accept(g, wall, mono): it is right, says an administrator. */
void clock_guard_accept(struct clock_guard *g, uint64_t wall, uint64_t mono);

#endif
