#include "server/net/allowance.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "lib/clock.h"
#include "server/base/map.h"
#include "server/net/loop.h"
#include "server/net/net_impl.h"

#define SHARE 100 /* The largest lot is this part of a second's tokens. */
#define FORGET_AT_ONCE 2

/*
 * A rate is kept as the time up to which its tokens are given away, those of
 * all time before a burst ago being lost: one number, which sessions move on
 * by what their lots cost.
 */
struct allowance_account {
	struct allowance_account *next; /* Of those that nobody uses. */
	uint64_t account;
	unsigned sessions, surplus;
	bool unused;
	atomic_ullong frames, signals;
};

struct allowance {
	pthread_mutex_t lock;
	struct map accounts;
	/* Without a session, until they have all their tokens again. */
	struct allowance_account *first, **end;
};

enum sn_err allowance_new(struct allowance **out)
{
	struct allowance *a;

	if ((a = calloc(1, sizeof(*a))) == NULL)
		return (SN_ENOMEM);
	if (pthread_mutex_init(&a->lock, NULL) != 0) {
		free(a);
		return (SN_ENOMEM);
	}
	a->end = &a->first;
	*out = a;
	return (SN_OK);
}

void allowance_free(struct allowance *a)
{
	if (a == NULL)
		return;
	for (size_t i = 0; i < a->accounts.size; i++) {
		if (a->accounts.slots[i].key != 0)
			free(a->accounts.slots[i].value);
	}
	map_free(&a->accounts);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

static uint64_t price(uint64_t tokens, uint64_t rate)
{
	return (tokens * SN_NS_PER_S / rate);
}

/* What a rate that has lain still for its burst says at the most. */
static uint64_t full(uint64_t now, uint64_t rate, uint64_t burst)
{
	uint64_t ago = price(burst, rate);

	return (now > ago ? now - ago : 0);
}

static bool is_full(
    const struct allowance_account *e, uint64_t now, const struct settings *set)
{
	return (atomic_load(&e->frames) <= full(now, set->limits.frame_rate,
					       set->limits.frame_burst) &&
		atomic_load(&e->signals) <= full(now, set->limits.signal_rate,
						set->limits.signal_rate));
}

/* A few of those that could as well be new. */
static void forget(struct allowance *a, const struct settings *set)
{
	uint64_t now = sn_clock_mono();
	struct allowance_account *e;

	for (unsigned n = 0; n < FORGET_AT_ONCE && (e = a->first) != NULL;
	     n++) {
		if (e->sessions + e->surplus == 0 && !is_full(e, now, set))
			return;
		if ((a->first = e->next) == NULL)
			a->end = &a->first;
		e->unused = false;
		if (e->sessions + e->surplus == 0) {
			map_delete(&a->accounts, e->account);
			free(e);
		}
	}
}

static struct allowance_account *find(struct allowance *a, uint64_t account)
{
	struct allowance_account *e = map_get(&a->accounts, account);

	if (e != NULL || (e = calloc(1, sizeof(*e))) == NULL)
		return (e);
	e->account = account;
	if (map_put(&a->accounts, account, e) != SN_OK) {
		free(e);
		return (NULL);
	}
	return (e);
}

enum sn_err allowance_enter(struct sess *s)
{
	uint64_t most = s->loop->settings->limits.sessions_per_account;
	struct allowance *a = s->loop->net->allowance;
	struct allowance_account *e;
	enum sn_err err = SN_OK;

	pthread_mutex_lock(&a->lock);
	forget(a, s->loop->settings);
	if ((e = find(a, s->account)) == NULL) {
		err = SN_ENOMEM;
	} else if (e->sessions < most) {
		e->sessions++;
	} else if (e->surplus < most) {
		e->surplus++;
		s->surplus = true;
	} else {
		err = SN_ELIMIT;
	}
	if (err == SN_OK)
		s->allowance = e;
	pthread_mutex_unlock(&a->lock);
	return (err);
}

void allowance_settle(struct sess *s)
{
	struct allowance *a = s->loop->net->allowance;

	pthread_mutex_lock(&a->lock);
	s->allowance->surplus--;
	s->allowance->sessions++;
	pthread_mutex_unlock(&a->lock);
	s->surplus = false;
	deadline_clear(s);
}

/* Tokens that it had for later are the others'. */
static void give_back(struct allowance_share *h, atomic_ullong *given)
{
	if (h->tokens > 0)
		atomic_fetch_sub(given, h->tokens * h->cost);
	h->tokens = 0;
}

void allowance_leave(struct sess *s)
{
	struct allowance *a = s->loop->net->allowance;
	struct allowance_account *e = s->allowance;

	if (e == NULL)
		return;
	s->allowance = NULL;
	give_back(&s->frames, &e->frames);
	give_back(&s->signals, &e->signals);
	pthread_mutex_lock(&a->lock);
	if (s->surplus)
		e->surplus--;
	else
		e->sessions--;
	if (e->sessions + e->surplus == 0 && !e->unused) {
		e->unused = true;
		e->next = NULL;
		*a->end = e;
		a->end = &e->next;
	}
	forget(a, s->loop->settings);
	pthread_mutex_unlock(&a->lock);
}

void allowance_end(struct sess *s)
{
	limits_reached(s->loop->net, LIMITS_ACCOUNT_SESSIONS);
	sess_bye(s, "limit",
	    "your account has as many sessions as it may have; end another, "
	    "or take over its consumer");
}

/* The next lot: larger than the last, as long as it is no great share. */
static void take_lot(struct allowance_share *h, atomic_ullong *given,
    uint64_t now, uint64_t rate, uint64_t burst)
{
	uint64_t least = full(now, rate, burst), most = rate / SHARE, from;
	unsigned long long old = atomic_load(given);

	if (most > burst)
		most = burst;
	h->lot = h->lot < most / 2 ? 2 * h->lot : (unsigned)most;
	if (h->lot == 0)
		h->lot = 1;
	h->cost = price(1, rate);
	do {
		from = (old > least ? old : least) + h->lot * h->cost;
	} while (!atomic_compare_exchange_weak(given, &old, from));
	h->tokens = h->lot;
	h->from = from > now ? from : 0;
}

static bool take(struct allowance_share *h, atomic_ullong *given, uint64_t rate,
    uint64_t burst)
{
	uint64_t now = sn_clock_mono();

	if (h->tokens == 0)
		take_lot(h, given, now, rate, burst);
	if (h->from > now)
		return (false);
	h->from = 0;
	h->tokens--;
	return (true);
}

bool allowance_frame(struct sess *s)
{
	const struct settings *set = s->loop->settings;

	if (s->frames.tokens > 0 && s->frames.from == 0) {
		s->frames.tokens--;
		return (true);
	}
	/* Before login frames are few. */
	return (s->allowance == NULL ||
		take(&s->frames, &s->allowance->frames, set->limits.frame_rate,
		    set->limits.frame_burst));
}

/* A second's worth may come at once. */
bool allowance_signal(struct sess *s)
{
	uint64_t rate = s->loop->settings->limits.signal_rate;
	struct allowance_share *h = &s->signals;

	if (h->tokens > 0 && h->from == 0) {
		h->tokens--;
		return (true);
	}
	if (take(h, &s->allowance->signals, rate, rate))
		return (true);
	/* What has to wait is dropped: nothing is taken for it. */
	give_back(h, &s->allowance->signals);
	h->lot = 0;
	return (false);
}
