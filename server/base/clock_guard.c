#include "server/base/clock_guard.h"

static uint64_t apart(uint64_t a, uint64_t b)
{
	return (a > b ? a - b : b - a);
}

void clock_guard_start(
    struct clock_guard *g, uint64_t wall, uint64_t mono, uint64_t last)
{
	*g = (struct clock_guard){ .wall = last != 0 ? last : wall,
		.mono = mono };
	(void)clock_guard_look(g, wall, mono);
	/* Stopped for less than a day: what has passed has passed. */
	if (!g->held)
		g->wall = wall;
}

bool clock_guard_look(struct clock_guard *g, uint64_t wall, uint64_t mono)
{
	uint64_t expected = g->wall + (mono - g->mono);

	g->held = apart(wall, expected) >= CLOCK_GUARD_LEAP;
	return (!g->held);
}

void clock_guard_accept(struct clock_guard *g, uint64_t wall, uint64_t mono)
{
	*g = (struct clock_guard){ .wall = wall, .mono = mono };
}
