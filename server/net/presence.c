#include "server/net/presence.h"

#include <pthread.h>
#include <stdlib.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "server/base/map.h"
#include "server/net/dispatch.h"
#include "server/net/followers.h"
#include "server/net/net_impl.h"
#include "server/net/room_members.h"
#include "server/net/visible.h"
#include "server/net/sess_error.h"
#include "server/oplog/account.h"
#include "server/oplog/db.h"
#include "server/oplog/device.h"

#define TELL_MOST 256 /* Accounts a second; the others wait for the next. */
#define FRAME_MOST 128

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
	struct oplog_request *q;

	if (oplog_local_new(
		DB_ACCOUNT_SEEN, db_bytes(&key), db_bytes(&value), &q) != SN_OK)
		return;
	/* A full queue may lose it. */
	if (oplog_ride(net->log, q) != SN_OK)
		oplog_request_free(q);
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

/* Who hears of one account, and what. */
struct told {
	struct viewers viewers;
	size_t n;
	uint8_t frame[FRAME_MOST];
};

struct presence_mail {
	struct mail mail;
	atomic_uint *holders; /* Of ${told}; the last loop frees both. */
	struct told *told;
};

static void hear(struct sess *s, void *arg)
{
	const struct told *t = arg;

	if ((s->features & SN_FEATURE_PRESENCE) && s->state == SESS_READY &&
	    sess_room(s))
		sess_put_bytes(s, (struct sn_bytes){ t->frame, t->n });
}

static void run_mail(void *owner, struct mail *mail)
{
	struct presence_mail *m = (struct presence_mail *)mail;
	struct told *t = m->told;

	for (size_t i = 0; i < t->viewers.count; i++)
		followers_of_account(owner, t->viewers.ids[i], hear, t);
	if (atomic_fetch_sub(m->holders, 1) == 1) {
		free(m->holders);
		free(t);
	}
	free(m);
}

/* What ${account} is now, to all that may know it and are here. */
static enum sn_err build(struct net *net, struct sn_txn *txn, uint64_t account,
    enum presence_state state, struct told *t)
{
	struct sn_frame_presence f = { .state =
					   sn_bytes_of(presence_word(state)) };
	struct sn_wr w = sn_wr_over(t->frame, sizeof(t->frame));
	struct account a;
	enum sn_err err;

	if ((err = account_get(txn, account, &a)) != SN_OK ||
	    (err = visible_viewers(txn, account,
		 (enum visible_to)net->settings->account.visible,
		 net->settings->limits.small_room, &t->viewers)) != SN_OK)
		return (err);
	f.account = sn_bytes_of(a.name);
	if (state == PRESENCE_OFFLINE)
		f.seen = (struct sn_maybe){ true, sn_clock_wall_ms() };
	sn_frame_put_presence(&w, &f);
	t->n = w.n;
	return (w.bad ? SN_EBUG : SN_OK);
}

static void post(struct net *net, struct told *t)
{
	atomic_uint *holders = malloc(sizeof(*holders));
	unsigned posted = 0;

	if (holders == NULL) {
		free(t);
		return;
	}
	atomic_init(holders, net->loop_count);
	for (unsigned i = 0; i < net->loop_count; i++) {
		struct presence_mail *m = malloc(sizeof(*m));

		if (m == NULL)
			continue;
		m->mail.run = run_mail;
		m->holders = holders;
		m->told = t;
		mailbox_post(net->loops[i]->mailbox, &m->mail);
		posted++;
	}
	/* For the loops that there was no memory to tell. */
	if (posted < net->loop_count &&
	    atomic_fetch_sub(holders, net->loop_count - posted) ==
		net->loop_count - posted) {
		free(holders);
		free(t);
	}
}

static void tell(struct net *net, struct sn_txn *txn, uint64_t account,
    enum presence_state state)
{
	struct told *t = malloc(sizeof(*t));
	enum sn_err err = SN_ENOMEM;

	if (t != NULL && (err = build(net, txn, account, state, t)) == SN_OK) {
		post(net, t);
		return;
	}
	free(t);
	sn_log(SN_WARN, "presence.untold", "account_id=%llu error=%s",
	    (unsigned long long)account, sn_err_name(err));
}

/* The next change that is one; false when there is none. */
static bool take(
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

void presence_announce(struct net *net)
{
	enum presence_state state;
	struct sn_txn *txn = NULL;
	uint64_t account;

	for (unsigned n = 0;
	     n < TELL_MOST && take(net->presence, &account, &state); n++) {
		if (atomic_load(&net->presence_wanted) == 0)
			continue;
		if (txn == NULL && sn_txn_read(net->store, &txn) != SN_OK)
			break;
		tell(net, txn, account, state);
	}
	sn_txn_abort(txn);
}

/* Frames. */

static void done(struct sess *s, uint64_t ref)
{
	struct sn_frame_done f = { .ref = ref };
	struct sn_wr w = sess_put(s, 32);

	sn_frame_put_done(&w, &f);
	sess_put_end(s, &w);
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
	done(s, f.ref);
}

/* When an account that is not there was there last. */
static enum sn_err last_seen(
    struct sn_txn *txn, uint64_t account, uint64_t *out)
{
	struct db_key key = db_key1(account);
	struct device d = { .account = account };
	struct device_seen seen;
	bool found;
	enum sn_err err;

	err = db_get_u64(txn, DB_ACCOUNT_SEEN, db_bytes(&key), out);
	if (err == SN_ENOTFOUND)
		*out = 0;
	else if (err != SN_OK)
		return (err);
	/* After a crash its last login is all that is known. */
	while (
	    (err = device_next(txn, account, &d, &found)) == SN_OK && found) {
		device_seen(txn, d.fingerprint, &seen);
		if (seen.time > *out)
			*out = seen.time;
	}
	return (err);
}

static enum sn_err put(
    struct sess *s, struct sn_txn *txn, uint64_t ref, uint64_t id)
{
	enum presence_state state = presence_of(s->loop->net->presence, id);
	struct sn_frame_presence f = { .ref = { true, ref },
		.state = sn_bytes_of(presence_word(state)) };
	struct account account;
	struct sn_wr w;
	enum sn_err err;

	if ((err = account_get(txn, id, &account)) != SN_OK)
		return (err);
	f.account = sn_bytes_of(account.name);
	if (state == PRESENCE_OFFLINE &&
	    (err = last_seen(txn, id, &f.seen.value)) != SN_OK)
		return (err);
	f.seen.set = f.seen.value != 0;
	w = sess_put(s, FRAME_MOST);
	sn_frame_put_presence(&w, &f);
	sess_put_end(s, &w);
	return (SN_OK);
}

/* One member of a room: all of them, or oneself alone. */
static enum sn_err show_member(struct sess *s, struct sn_txn *txn,
    const struct listing *l, struct sn_bytes key, bool *shown)
{
	uint64_t room, id;
	enum sn_err err;

	if ((err = room_members_of(key, &room, &id)) != SN_OK)
		return (err);
	*shown = id == s->account ||
		 s->loop->settings->account.visible != VISIBLE_SELF;
	return (*shown ? put(s, txn, listing_ref(l), id) : SN_OK);
}

static const struct listing_kind members = {
	DB_MEMBERS,
	room_members_check,
	show_member,
};

static enum sn_err put_account(struct sess *s, struct sn_txn *txn,
    const struct sn_frame_presence_get *f, struct sn_frame_end *end)
{
	struct account account;
	enum sn_err err;

	err = visible_account(txn, s->account, f->of,
	    (enum visible_to)s->loop->settings->account.visible, &account);
	if (err == SN_OK)
		err = put(s, txn, f->ref, account.id);
	end->count = err == SN_OK;
	return (err);
}

void presence_on_get(struct sess *s, const struct sn_frame *frame)
{
	struct sn_frame_end end = { .count = 0 };
	struct sn_frame_presence_get f;
	struct sn_txn *txn;
	struct sn_wr w;
	enum sn_err err;

	if (!sn_frame_get_presence_get(frame, &f)) {
		dispatch_bad(s, frame, "PRESENCE_GET needs ref and target");
		return;
	}
	if (sn_name_room(f.of)) {
		room_members_begin(s, f.ref, f.of, &members);
		return;
	}
	if ((err = loop_read(s->loop, &txn)) == SN_OK)
		err = put_account(s, txn, &f, &end);
	if (err != SN_OK) {
		sess_error_of(s, f.ref, err);
		return;
	}
	end.ref = f.ref;
	w = sess_put(s, 32);
	sn_frame_put_end(&w, &end);
	sess_put_end(s, &w);
}
