#include "server/net/deadline.h"

#include "lib/clock.h"
#include "server/net/loop.h"
#include "server/net/sess.h"

#define STEP_NS (DEADLINE_STEP_MS * SN_NS_PER_MS)

static void lower(struct deadlines *all, uint64_t at)
{
	if (all->nearest == 0 || at < all->nearest)
		all->nearest = at;
}

void deadline_set(struct sess *s, uint64_t at)
{
	struct deadlines *all = &s->loop->deadlines;

	s->deadline.at = at;
	lower(all, at);
	if (s->deadline.set)
		return;
	s->deadline.set = true;
	s->deadline.prev = NULL;
	if ((s->deadline.next = all->first) != NULL)
		all->first->deadline.prev = s;
	all->first = s;
}

void deadline_add(struct sess *s, uint64_t ns)
{
	if (s->deadline.set)
		deadline_set(s, s->deadline.at + ns);
}

void deadline_clear(struct sess *s)
{
	struct deadlines *all = &s->loop->deadlines;

	if (!s->deadline.set)
		return;
	if (s->deadline.prev != NULL)
		s->deadline.prev->deadline.next = s->deadline.next;
	else
		all->first = s->deadline.next;
	if (s->deadline.next != NULL)
		s->deadline.next->deadline.prev = s->deadline.prev;
	s->deadline = (struct deadline){ .set = false };
}

/* The time does not run meanwhile; deadline_add gives it back. */
static bool waits_for_us(const struct sess *s)
{
	return (s->state < SESS_READY &&
		(s->door.where == DOOR_LINE || s->login != SESS_LOGIN_NONE));
}

/* When they are walked next. */
static uint64_t due(const struct deadlines *all)
{
	uint64_t step = all->looked + STEP_NS;

	return (all->nearest > step ? all->nearest : step);
}

void deadline_look(
    struct loop *loop, uint64_t now, void (*late)(struct sess *s))
{
	struct deadlines *all = &loop->deadlines;
	struct sess *s, *next;

	if (all->nearest == 0 || now < due(all))
		return;
	all->looked = now;
	all->nearest = 0;
	for (s = all->first; s != NULL; s = next) {
		next = s->deadline.next;
		if (waits_for_us(s))
			continue;
		if (now >= s->deadline.at)
			late(s);
		if (s->deadline.set)
			lower(all, s->deadline.at);
	}
}

int deadline_timeout(const struct loop *loop, uint64_t now, int ms)
{
	const struct deadlines *all = &loop->deadlines;
	uint64_t at, left;

	if (all->nearest == 0)
		return (ms);
	if ((at = due(all)) <= now)
		return (0);
	left = (at - now) / SN_NS_PER_MS + 1;
	return (left < (uint64_t)ms ? (int)left : ms);
}
