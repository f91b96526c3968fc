#include "bench/conn_internal.h"

#include "lib/clock.h"

#define LOOK_NS (10 * SN_NS_PER_MS) /* Between looks at the paused. */

void conn_wait_no_more(struct conn *c)
{
	struct conn **p = &c->house->waiting;

	if (c->again_at == 0)
		return;
	while (*p != c)
		p = &(*p)->next_waiting;
	*p = c->next_waiting;
	c->again_at = 0;
}

void conn_pause(struct conn *c, uint64_t ms)
{
	struct conn_house *house = c->house;

	conn_wait_no_more(c);
	house->paused += c->state != CONN_CLOSED;
	c->again_at = sn_clock_mono() + ms * SN_NS_PER_MS;
	c->next_waiting = house->waiting;
	house->waiting = c;
}

static void wake(struct conn *c)
{
	conn_wait_no_more(c);
	if (c->state == CONN_CLOSED)
		c->house->events.due(c);
	else
		c->house->protocol->again(c);
}

void conn_wake_all(struct conn_house *house)
{
	struct conn *c, *next;
	uint64_t now;

	if (house->waiting == NULL)
		return;
	now = sn_clock_mono();
	if (now - house->looked < LOOK_NS)
		return;
	house->looked = now;
	for (c = house->waiting; c != NULL; c = next) {
		next = c->next_waiting;
		if (c->again_at <= now)
			wake(c);
	}
}
