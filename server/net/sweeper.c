#include "server/net/sweeper.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "server/net/clock_watch.h"
#include "server/net/store_watch.h"
#include "server/oplog/db.h"
#include "server/oplog/message.h"
#include "server/oplog/retention.h"

#define TICK_MS 500
#define ROOMS_EVERY_MS 60000
#define REMIND_MS 3600000
#define PURGE_ROWS 256

struct sweeper {
	struct net *net;
	pthread_t thread;
	struct sn_txn *reader;
	atomic_ullong forgotten;
	struct clock_watch clock;
	struct store_watch room;
	/* Guarded by ${lock}. */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stopping, changed;
	struct retention policy;
	uint64_t quota;
	struct sn_log_limit damage;
	/* The thread's own; monotonic ms of what comes next. */
	struct retention in_force;
	uint64_t oldest_at, room_at;
	uint64_t expired_next, rooms_next;
};

static bool stopping(struct sweeper *s)
{
	bool now;

	pthread_mutex_lock(&s->lock);
	now = s->stopping;
	pthread_mutex_unlock(&s->lock);
	return (now);
}

/* Until ${ms} have passed, the policy changed, or it is time to stop. */
static void rest(struct sweeper *s, uint64_t ms)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(ms / SN_MS_PER_S);
	until.tv_nsec += (long)(ms % SN_MS_PER_S * SN_NS_PER_MS);
	if (until.tv_nsec >= (long)SN_NS_PER_S) {
		until.tv_nsec -= (long)SN_NS_PER_S;
		until.tv_sec++;
	}
	pthread_mutex_lock(&s->lock);
	while (!s->stopping && !s->changed &&
	       pthread_cond_timedwait(&s->wake, &s->lock, &until) == 0)
		continue;
	s->changed = false;
	pthread_mutex_unlock(&s->lock);
}

/* Submit, wait, and leave the log to others for as long as it took. */
static enum sn_err submit(struct sweeper *s, const struct op *op)
{
	uint64_t began = sn_clock_mono_ms();
	struct applied applied;
	enum sn_err err = oplog_submit_wait(s->net->log, op, &applied);

	rest(s, sn_clock_mono_ms() - began);
	return (err);
}

static enum sn_err forget(struct sweeper *s, const struct retention_pick *pick)
{
	struct op op = { .kind = OP_FORGET, .time = sn_clock_wall_ms() };
	enum sn_err err;

	op.forget.seqs = (struct sn_bytes){ pick->seqs,
		(size_t)pick->count * sizeof(uint64_t) };
	if ((err = submit(s, &op)) == SN_OK)
		atomic_fetch_add(&s->forgotten, pick->count);
	return (err);
}

static void tell_damage(struct sweeper *s, const struct retention_pick *pick)
{
	unsigned dropped;

	if (pick->damaged > 0 && sn_log_allow(&s->damage, &dropped))
		sn_log(SN_ALARM, "record.damaged",
		    "table=%s room=%llu seq=%llu count=%u what=\"retention "
		    "passed over it; sicherd check says what is damaged\"",
		    pick->damaged_seq == 0 ? "rooms" : "log",
		    (unsigned long long)pick->damaged_room,
		    (unsigned long long)pick->damaged_seq, pick->damaged);
}

typedef enum sn_err picker(struct sweeper *s, struct sn_txn *txn, uint64_t now,
    struct retention_pick *pick, bool *more);

static enum sn_err pick_expired(struct sweeper *s, struct sn_txn *txn,
    uint64_t now, struct retention_pick *pick, bool *more)
{
	(void)s;
	*more = false;
	return (retention_expired(txn, now, pick));
}

static enum sn_err pick_oldest(struct sweeper *s, struct sn_txn *txn,
    uint64_t now, struct retention_pick *pick, bool *more)
{
	uint64_t before = s->oldest_at;
	enum sn_err err =
	    retention_oldest(txn, &s->in_force, now, &s->oldest_at, pick);

	*more = s->oldest_at != before;
	return (err);
}

static enum sn_err pick_rooms(struct sweeper *s, struct sn_txn *txn,
    uint64_t now, struct retention_pick *pick, bool *more)
{
	enum sn_err err =
	    retention_rooms(txn, &s->in_force, now, &s->room_at, pick);

	*more = s->room_at != 0;
	tell_damage(s, pick);
	return (err);
}

static bool is_damage(enum sn_err err)
{
	return (err == SN_ECORRUPT || err == SN_ENEWER);
}

/* Something that one of them needs is damaged: each by itself. */
static enum sn_err forget_each(
    struct sweeper *s, const struct retention_pick *pick, bool *any)
{
	struct sn_rd r =
	    sn_rd_over(pick->seqs, (size_t)pick->count * sizeof(uint64_t));
	struct retention_pick one = { .count = 1 };

	for (*any = false; r.left > 0 && !stopping(s);) {
		struct sn_wr w = sn_wr_over(one.seqs, sizeof(one.seqs));
		enum sn_err err;

		one.damaged_seq = sn_rd_u64(&r);
		sn_wr_u64(&w, one.damaged_seq);
		err = forget(s, &one);
		if (err == SN_OK)
			*any = true;
		else if (!is_damage(err))
			return (err);
		one.damaged = err != SN_OK;
		tell_damage(s, &one);
	}
	return (SN_OK);
}

/* What cannot be forgotten would be picked again and again. */
static void pass_on(struct sweeper *s, picker *from)
{
	if (from == pick_rooms)
		s->room_at++;
	else if (from == pick_expired)
		s->expired_next = sn_clock_mono_ms() + ROOMS_EVERY_MS;
}

/* Pick and forget until nothing is left. */
static enum sn_err sweep(struct sweeper *s, uint64_t now, picker *pick_some)
{
	struct retention_pick pick = { .count = 0 };
	bool more = true;
	enum sn_err err = SN_OK;

	while (more && err == SN_OK && !stopping(s)) {
		bool removed = true;

		if ((err = sn_txn_renew(s->reader)) != SN_OK)
			return (err);
		err = pick_some(s, s->reader, now, &pick, &more);
		sn_txn_reset(s->reader);
		if (err != SN_OK || pick.count == 0)
			continue;
		if (is_damage(err = forget(s, &pick))) {
			err = forget_each(s, &pick, &removed);
			if (!removed)
				pass_on(s, pick_some);
		}
		more = more || removed;
	}
	return (err);
}

static enum sn_err purge(struct sweeper *s, uint64_t now)
{
	struct op op = { .kind = OP_PURGE, .time = sn_clock_wall_ms() };
	enum sn_err err = SN_OK;

	op.purge.rows = PURGE_ROWS;
	while (err == SN_OK && !stopping(s)) {
		if ((err = sn_txn_renew(s->reader)) != SN_OK)
			return (err);
		err = retention_horizon(
		    s->reader, &s->in_force, now, &op.purge.to);
		sn_txn_reset(s->reader);
		if (err != SN_OK || op.purge.to == 0)
			return (err);
		err = submit(s, &op);
	}
	return (err);
}

/* The default quota is in the database, so that apply can hold to it. */
static enum sn_err set_quota(struct sweeper *s, uint64_t quota)
{
	struct op op = { .kind = OP_LIMIT, .time = sn_clock_wall_ms() };
	struct limit limit;
	enum sn_err err;

	if ((err = sn_txn_renew(s->reader)) != SN_OK)
		return (err);
	err = limit_own(s->reader, USAGE_ACCOUNT, 0, &limit);
	sn_txn_reset(s->reader);
	if (err != SN_OK && err != SN_ENOTFOUND)
		return (err);
	if (limit.bytes == quota)
		return (SN_OK);
	op.limit.of = USAGE_ACCOUNT;
	op.limit.set = quota != 0;
	op.limit.limit.bytes = quota;
	return (submit(s, &op));
}

static void take_policy(struct sweeper *s, uint64_t *quota)
{
	pthread_mutex_lock(&s->lock);
	if (memcmp(&s->in_force, &s->policy, sizeof(s->policy)) != 0) {
		s->in_force = s->policy;
		s->oldest_at = 0;
		s->rooms_next = 0;
	}
	*quota = s->quota;
	pthread_mutex_unlock(&s->lock);
}

static enum sn_err tick(struct sweeper *s, uint64_t wall, uint64_t mono)
{
	enum sn_err err;

	if (mono >= s->expired_next &&
	    (err = sweep(s, wall, pick_expired)) != SN_OK)
		return (err);
	if ((err = sweep(s, wall, pick_oldest)) != SN_OK ||
	    (err = purge(s, wall)) != SN_OK)
		return (err);
	if (mono < s->rooms_next)
		return (SN_OK);
	s->room_at = 0;
	if ((err = sweep(s, wall, pick_rooms)) == SN_OK)
		s->rooms_next = mono + ROOMS_EVERY_MS;
	return (err);
}

static void *run(void *arg)
{
	struct sn_log_limit failures = { .burst = 1,
		.period_ns = 60 * SN_NS_PER_S };
	struct sweeper *s = arg;
	uint64_t wall, quota;
	unsigned dropped;
	enum sn_err err;

	while (!stopping(s)) {
		uint64_t mono = sn_clock_mono_ms();

		take_policy(s, &quota);
		store_watch_look(&s->room, s->net->store);
		err = set_quota(s, quota);
		if (clock_watch_look(&s->clock, s->net->log, &wall) &&
		    err == SN_OK)
			err = tick(s, wall, mono);
		if (err != SN_OK) {
			/* A full disk, and the like: what was picked stays. */
			s->oldest_at = 0;
			if (!stopping(s) && sn_log_allow(&failures, &dropped))
				sn_log(SN_WARN, "retention.waits", "error=%s",
				    sn_err_name(err));
		}
		rest(s, TICK_MS);
	}
	return (NULL);
}

static void copy_policy(struct sweeper *s, const struct settings *set)
{
	memset(&s->policy, 0, sizeof(s->policy));
	s->policy.age = set->retention.age;
	s->policy.bytes = set->retention.bytes;
	s->policy.room_bytes = set->retention.room_bytes;
	s->policy.dedupe = set->retention.dedupe;
	s->quota = set->limits.account_bytes;
}

static enum sn_err init(struct sweeper *s)
{
	pthread_condattr_t attr;
	enum sn_err err;

	if ((err = sn_txn_read(s->net->store, &s->reader)) != SN_OK)
		return (err);
	err = clock_watch_open(&s->clock, s->reader);
	sn_txn_reset(s->reader);
	if (err == SN_OK &&
	    (pthread_condattr_init(&attr) != 0 ||
		pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) != 0 ||
		pthread_cond_init(&s->wake, &attr) != 0 ||
		pthread_mutex_init(&s->lock, NULL) != 0))
		err = SN_ENOMEM;
	return (err);
}

enum sn_err sweeper_start(struct net *net, struct sweeper **out)
{
	struct sweeper *s = calloc(1, sizeof(*s));
	enum sn_err err;

	if (s == NULL)
		return (SN_ENOMEM);
	s->net = net;
	s->damage.burst = 5;
	s->damage.period_ns = REMIND_MS * SN_NS_PER_MS;
	copy_policy(s, net->settings);
	if ((err = init(s)) == SN_OK)
		store_watch_look(&s->room, net->store);
	if (err == SN_OK && pthread_create(&s->thread, NULL, run, s) != 0)
		err = SN_ENOMEM;
	if (err != SN_OK) {
		sn_txn_abort(s->reader);
		free(s);
		return (err);
	}
	*out = s;
	return (SN_OK);
}

void sweeper_stop(struct sweeper *s)
{
	if (s == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	(void)pthread_join(s->thread, NULL);
	sn_txn_abort(s->reader);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	clock_watch_close(&s->clock);
	free(s);
}

static void change(struct sweeper *s)
{
	s->changed = true;
	pthread_cond_signal(&s->wake);
}

void sweeper_policy(struct sweeper *s, const struct settings *settings)
{
	pthread_mutex_lock(&s->lock);
	copy_policy(s, settings);
	change(s);
	pthread_mutex_unlock(&s->lock);
}

bool sweeper_accept_clock(struct sweeper *s)
{
	bool held = clock_watch_accept(&s->clock);

	pthread_mutex_lock(&s->lock);
	change(s);
	pthread_mutex_unlock(&s->lock);
	return (held);
}

uint64_t sweeper_now(const struct sweeper *s)
{
	return (clock_watch_now(&s->clock));
}

void sweeper_status(struct sweeper *s, json_t *out)
{
	store_watch_status(&s->room, out);
	(void)json_object_set_new(out, "forgotten",
	    json_integer((json_int_t)atomic_load(&s->forgotten)));
	clock_watch_status(&s->clock, out);
}
