#include "server/net/presence.h"

#include <pthread.h>
#include <stdlib.h>

#include "lib/clock.h"
#include "server/base/map.h"
#include "server/net/dispatch.h"
#include "server/net/net_impl.h"
#include "server/net/sess_answer.h"
#include "server/net/sess_error.h"
#include "server/oplog/db.h"

struct entry {
	struct entry *next; /* Of those that changed. */
	uint64_t account;
	unsigned sessions, active;
	enum presence_state told;
	/* What was answered to somebody since, who has to hear the end of
	 * it, too. */
	enum presence_state answered;
	bool asked, changed;
};

struct presence {
	pthread_mutex_t lock;
	struct map accounts;
	struct entry *first, **end; /* The changed ones, the oldest first. */
};

enum sn_err presence_new(struct presence **out)
{
	struct presence *p;

	if ((p = calloc(1, sizeof(*p))) == NULL)
		return (SN_ENOMEM);
	if (pthread_mutex_init(&p->lock, NULL) != 0) {
		free(p);
		return (SN_ENOMEM);
	}
	p->end = &p->first;
	*out = p;
	return (SN_OK);
}

void presence_free(struct presence *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->accounts.size; i++) {
		if (p->accounts.slots[i].key != 0)
			free(p->accounts.slots[i].value);
	}
	map_free(&p->accounts);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static enum presence_state state_of(const struct entry *e)
{
	if (e == NULL || e->sessions == 0)
		return (PRESENCE_OFFLINE);
	return (e->active > 0 ? PRESENCE_ONLINE : PRESENCE_AWAY);
}

enum presence_state presence_of(struct presence *p, uint64_t account)
{
	enum presence_state state;
	struct entry *e;

	pthread_mutex_lock(&p->lock);
	e = map_get(&p->accounts, account);
	state = state_of(e);
	if (e != NULL) {
		e->answered = state;
		e->asked = true;
	}
	pthread_mutex_unlock(&p->lock);
	return (state);
}

const char *presence_word(enum presence_state state)
{
	static const char *const words[] = { "offline", "away", "online" };

	return (words[state]);
}

static struct entry *entry_of(struct presence *p, uint64_t account)
{
	struct entry *e = map_get(&p->accounts, account);

	if (e != NULL || (e = calloc(1, sizeof(*e))) == NULL)
		return (e);
	e->account = account;
	if (map_put(&p->accounts, account, e) != SN_OK) {
		free(e);
		return (NULL);
	}
	return (e);
}

static void note(struct presence *p, struct entry *e)
{
	if (e->changed)
		return;
	e->changed = true;
	e->next = NULL;
	*p->end = e;
	p->end = &e->next;
}

void presence_enter(struct sess *s)
{
	struct presence *p = s->loop->net->presence;
	struct entry *e;

	pthread_mutex_lock(&p->lock);
	/* Without memory it is there, and not seen to be. */
	if ((e = entry_of(p, s->account)) != NULL) {
		e->sessions++;
		e->active++;
		note(p, e);
		s->present = true;
		s->away = false;
	}
	pthread_mutex_unlock(&p->lock);
}

static void set_away(struct sess *s, bool away)
{
	struct presence *p = s->loop->net->presence;
	struct entry *e;

	if (!s->present || s->away == away)
		return;
	s->away = away;
	pthread_mutex_lock(&p->lock);
	if ((e = map_get(&p->accounts, s->account)) != NULL) {
		e->active += away ? -1U : 1U;
		note(p, e);
	}
	pthread_mutex_unlock(&p->lock);
}

/* When it was seen last, for those who ask later. */
static void keep_seen(struct net *net, uint64_t account)
{
	struct db_key key = db_key1(account);
	struct db_key value = db_key1(sn_clock_wall_ms());

	oplog_ride_row(
	    net->log, DB_ACCOUNT_SEEN, db_bytes(&key), db_bytes(&value));
}

void presence_leave(struct sess *s)
{
	struct presence *p = s->loop->net->presence;
	struct entry *e;
	bool last = false;

	if (!s->present)
		return;
	s->present = false;
	pthread_mutex_lock(&p->lock);
	if ((e = map_get(&p->accounts, s->account)) != NULL) {
		e->sessions--;
		if (!s->away)
			e->active--;
		last = e->sessions == 0;
		note(p, e);
	}
	pthread_mutex_unlock(&p->lock);
	/* The log has stopped when a loop that did lets go of its sessions. */
	if (last && !s->loop->stopping)
		keep_seen(s->loop->net, s->account);
}

bool presence_take(
    struct presence *p, uint64_t *account, enum presence_state *state)
{
	bool found = false;
	struct entry *e;

	pthread_mutex_lock(&p->lock);
	while (!found && (e = p->first) != NULL) {
		if ((p->first = e->next) == NULL)
			p->end = &p->first;
		e->changed = false;
		*account = e->account;
		*state = state_of(e);
		found =
		    *state != e->told || (e->asked && *state != e->answered);
		e->told = *state;
		e->asked = false;
		if (*state == PRESENCE_OFFLINE) {
			map_delete(&p->accounts, e->account);
			free(e);
		}
	}
	pthread_mutex_unlock(&p->lock);
	return (found);
}

void presence_on_set(struct sess *s, const struct sn_frame *frame)
{
	struct sn_frame_presence_set f;
	bool away, online;

	if (!sn_frame_get_presence_set(frame, &f)) {
		dispatch_bad(s, frame, "PRESENCE_SET needs ref and state");
		return;
	}
	away = sn_bytes_equal(f.state, sn_bytes_of("away"));
	online = sn_bytes_equal(f.state, sn_bytes_of("online"));
	if (!away && !online) {
		sess_error(s, &f.ref, "bad-frame",
		    "a session is \"online\" or \"away\"");
		return;
	}
	set_away(s, away);
	sess_answer_done(s, f.ref, 0);
}
