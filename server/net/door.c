#include "server/net/door.h"

#include <poll.h>
#include <stdlib.h>

#include "lib/clock.h"
#include "server/net/loop.h"
#include "server/net/sess.h"
#include "server/net/sess_work.h"

#define PLACE_NS SN_NS_PER_S        /* How long one has a place at most. */
#define BEGIN_NS (2 * SN_NS_PER_MS) /* Of a turn, for those who begin. */
#define LOOK_MS 50                  /* At the places, while some wait. */
#define KEPT 4   /* That part is for addresses that have none. */
#define SHARE 4  /* An address has that part of them. */
#define SPARED 8 /* Quiet ones that wait for the keeper and are passed. */

/* An address with connections that are not logged in. */
struct door_host {
	uint64_t key;
	unsigned guests, held;
	struct door_list line, quiet;
	struct door_host *prev_turn, *next_turn;
	/* Those with as many quiet ones, to the power of two. */
	struct door_host *prev, *next;
	unsigned crowd;
};

static void list_append(struct door_list *l, struct sess *s)
{
	s->door.next = NULL;
	s->door.prev = l->last;
	if (l->last != NULL)
		l->last->door.next = s;
	else
		l->first = s;
	l->last = s;
	l->count++;
}

static void list_remove(struct door_list *l, struct sess *s)
{
	if (s->door.prev != NULL)
		s->door.prev->door.next = s->door.next;
	else
		l->first = s->door.next;
	if (s->door.next != NULL)
		s->door.next->door.prev = s->door.prev;
	else
		l->last = s->door.prev;
	s->door.prev = s->door.next = NULL;
	l->count--;
}

/* 0 for none, n for 2^(n-1) and more. */
static unsigned crowd_of(unsigned count)
{
	unsigned n = 0;

	for (; count > 0 && n < DOOR_CROWDS - 1; count >>= 1)
		n++;
	return (n);
}

static void crowd_remove(struct door *d, struct door_host *h)
{
	if (h->crowd == 0)
		return;
	if (h->prev != NULL)
		h->prev->next = h->next;
	else
		d->crowds[h->crowd] = h->next;
	if (h->next != NULL)
		h->next->prev = h->prev;
	h->prev = h->next = NULL;
	h->crowd = 0;
}

static void crowd_update(struct door *d, struct door_host *h)
{
	unsigned crowd = crowd_of(h->quiet.count);

	if (crowd == h->crowd)
		return;
	crowd_remove(d, h);
	h->crowd = crowd;
	if (crowd == 0)
		return;
	if ((h->next = d->crowds[crowd]) != NULL)
		h->next->prev = h;
	d->crowds[crowd] = h;
}

static void turn_append(struct door *d, struct door_host *h)
{
	h->next_turn = NULL;
	h->prev_turn = d->last_turn;
	if (d->last_turn != NULL)
		d->last_turn->next_turn = h;
	else
		d->turn = h;
	d->last_turn = h;
	d->lines++;
}

static void turn_remove(struct door *d, struct door_host *h)
{
	if (h->prev_turn != NULL)
		h->prev_turn->next_turn = h->next_turn;
	else
		d->turn = h->next_turn;
	if (h->next_turn != NULL)
		h->next_turn->prev_turn = h->prev_turn;
	else
		d->last_turn = h->prev_turn;
	d->lines--;
}

static void put(struct sess *s, enum door_where where, uint64_t now)
{
	struct door *d = &s->loop->door;
	struct door_host *h = s->door.host;

	s->door.where = where;
	s->door.at = now;
	switch (where) {
	case DOOR_OUT:
		break;
	case DOOR_QUIET:
		list_append(&h->quiet, s);
		crowd_update(d, h);
		break;
	case DOOR_LINE:
		if (h->line.count == 0)
			turn_append(d, h);
		list_append(&h->line, s);
		d->in_line++;
		break;
	case DOOR_PLACE:
		list_append(&d->held, s);
		h->held++;
		break;
	}
}

static void take(struct sess *s)
{
	struct door *d = &s->loop->door;
	struct door_host *h = s->door.host;

	switch (s->door.where) {
	case DOOR_OUT:
		break;
	case DOOR_QUIET:
		list_remove(&h->quiet, s);
		crowd_update(d, h);
		break;
	case DOOR_LINE:
		list_remove(&h->line, s);
		d->in_line--;
		if (h->line.count == 0)
			turn_remove(d, h);
		break;
	case DOOR_PLACE:
		list_remove(&d->held, s);
		h->held--;
		break;
	}
	s->door.where = DOOR_OUT;
}

void door_places(struct door *door, unsigned places)
{
	door->places = places > 0 ? places : 1;
	door->share = places > SHARE ? places / SHARE : 1;
	door->kept = places / KEPT;
}

enum sn_err door_arrive(struct sess *s)
{
	struct door *d = &s->loop->door;
	struct door_host *h = map_get(&d->hosts, s->host);
	enum sn_err err;

	if (h == NULL) {
		if ((h = calloc(1, sizeof(*h))) == NULL)
			return (SN_ENOMEM);
		h->key = s->host;
		if ((err = map_put(&d->hosts, h->key, h)) != SN_OK) {
			free(h);
			return (err);
		}
	}
	h->guests++;
	s->door.host = h;
	put(s, DOOR_QUIET, s->since);
	return (SN_OK);
}

void door_knock(struct sess *s)
{
	take(s);
	put(s, DOOR_LINE, sn_clock_mono());
}

void door_leave(struct sess *s)
{
	struct door_host *h = s->door.host;

	if (h == NULL)
		return;
	take(s);
	s->door.host = NULL;
	if (--h->guests > 0)
		return;
	map_delete(&s->loop->door.hosts, h->key);
	free(h);
}

static void take_places_back(struct door *d, uint64_t now)
{
	struct sess *s;

	while ((s = d->held.first) != NULL && now - s->door.at >= PLACE_NS) {
		take(s);
		put(s, DOOR_QUIET, now);
	}
}

/* Whether one more of the address may have a place. */
static bool may_have(const struct door *d, const struct door_host *h)
{
	return (h->held == 0 ||
		(h->held < d->share && d->held.count < d->places - d->kept));
}

/* Of the address whose turn it is, of those that may have a place. */
static struct sess *next_in_line(struct door *d)
{
	for (unsigned n = d->lines; n > 0; n--) {
		struct door_host *h = d->turn;

		turn_remove(d, h);
		turn_append(d, h);
		if (may_have(d, h))
			return (h->line.first);
	}
	return (NULL);
}

/* Whether the client has left while it stood in line and was not looked at:
 * what it said before would still be read, and answered in vain. */
static bool hung_up(const struct sess *s)
{
	struct pollfd p = { .fd = s->watch.fd, .events = POLLRDHUP };

	return (!s->watch.read && poll(&p, 1, 0) > 0);
}

void door_open(struct loop *loop)
{
	struct door *d = &loop->door;
	uint64_t now, until;
	struct sess *s;

	d->more = false;
	if (d->in_line == 0)
		return;
	now = sn_clock_mono();
	until = now + BEGIN_NS;
	take_places_back(d, now);
	while (d->held.count < d->places && (s = next_in_line(d)) != NULL) {
		if (now >= until) {
			d->more = true;
			return;
		}
		/* Its time does not run while it stands in line. */
		deadline_add(s, now - s->door.at);
		take(s);
		put(s, DOOR_PLACE, now);
		if (hung_up(s))
			sess_drop(s);
		else
			sess_begin(s);
		now = sn_clock_mono();
	}
}

int door_timeout(const struct loop *loop, int ms)
{
	if (loop->door.more)
		return (0);
	return (loop->door.in_line > 0 && ms > LOOK_MS ? LOOK_MS : ms);
}

bool door_make_room(struct loop *loop)
{
	uint64_t now = sn_clock_mono();
	struct sess *s = NULL;

	for (int i = DOOR_CROWDS - 1; s == NULL && i > 0; i--) {
		if (loop->door.crowds[i] != NULL)
			s = loop->door.crowds[i]->quiet.first;
	}
	/* Who waits for us is not to blame. */
	for (int i = 0; s != NULL && s->login != SESS_LOGIN_NONE; i++)
		s = i < SPARED ? s->door.next : NULL;
	if (s == NULL || now - s->door.at < PLACE_NS)
		return (false);
	sess_drop(s);
	return (true);
}

void door_free(struct door *door)
{
	map_free(&door->hosts);
}
