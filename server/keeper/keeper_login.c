#include "server/keeper/keeper_login.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"

#define UNDER_WAY_MAX 4096 /* All accounts, refusals waiting included. */
#define FINGERPRINT_MAX 16
#define PASSWORD_MIN 8
#define RETRY_MS 1000

enum state { QUEUED, RUNNING, REFUSED };

struct login {
	struct keeper_job job; /* First: the pool gives it back. */
	struct keeper_logins *l;
	struct login *next;         /* By due. */
	struct keeper_asker *asker; /* NULL: gone. */
	enum state state;
	uint8_t verb;
	uint64_t cookie;
	uint8_t fp[KEEPER_FINGERPRINT];
	struct keeper_account account; /* As looked at. */
	uint64_t arrived;
	uint64_t due;
	bool unseen;   /* Refused without a look at its password. */
	uint64_t turn; /* Start tag: the smallest is next. */
};

struct keeper_logins {
	struct keeper_logins_options options;
	struct keeper_pool *pool;
	struct login *first;
	unsigned under_way, queued, running;
	uint64_t turn; /* Of the one that ran last. */
	bool stopping;
	struct keeper_logins_counts counts;
};

enum sn_err keeper_logins_new(
    const struct keeper_logins_options *options, struct keeper_logins **out)
{
	struct keeper_logins *l;
	enum sn_err err;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		return (SN_ENOMEM);
	l->options = *options;
	err = keeper_pool_new(options->workers, options->mailbox, &l->pool);
	if (err != SN_OK) {
		free(l);
		return (err);
	}
	*out = l;
	return (SN_OK);
}

void keeper_logins_change(struct keeper_logins *l, unsigned queue_max,
    uint64_t answer_ns, const struct argon_cost *cost)
{
	l->options.queue_max = queue_max;
	l->options.answer_ns = answer_ns;
	l->options.cost = *cost;
}

/* Sorted by due. */
static void enlist(struct keeper_logins *l, struct login *login)
{
	struct login **at = &l->first;

	while (*at != NULL && (*at)->due <= login->due)
		at = &(*at)->next;
	login->next = *at;
	*at = login;
}

static void delist(struct keeper_logins *l, const struct login *login)
{
	struct login **at = &l->first;

	while (*at != login)
		at = &(*at)->next;
	*at = login->next;
}

static void drop(struct login *login)
{
	struct keeper_logins *l = login->l;

	delist(l, login);
	l->under_way--;
	l->queued -= login->state == QUEUED;
	l->running -= login->state == RUNNING;
	sn_secret_free(&login->job.password);
	sn_secret_free(&login->job.fresh);
	sn_secret_wipe(login, sizeof(*login));
	free(login);
}

static void finish(struct login *login, struct keeper_answer *answer)
{
	struct keeper_asker *asker = login->asker;

	answer->cookie = login->cookie;
	drop(login);
	if (asker != NULL)
		asker->answer(asker, answer);
	sn_secret_wipe(answer->token, sizeof(answer->token));
}

static void finish_as(struct login *login, enum keeper_verdict verdict)
{
	struct keeper_answer answer = { .verdict = verdict };

	finish(login, &answer);
}

/* The secrets are of no more use; the answer waits for its time. */
static void refuse(struct login *login)
{
	struct keeper_logins *l = login->l;

	l->queued -= login->state == QUEUED;
	l->running -= login->state == RUNNING;
	login->state = REFUSED;
	l->counts.refused++;
	sn_secret_free(&login->job.password);
	sn_secret_free(&login->job.fresh);
}

static void failed(struct login *login)
{
	keeper_vault_fail(login->l->options.vault, login->account.id, login->fp,
	    sn_clock_wall_ms());
	refuse(login);
}

static void trouble(struct login *login, enum sn_err err)
{
	sn_log(SN_ALARM, "keeper.login", "account_id=%llu err=%s",
	    (unsigned long long)login->account.id, sn_err_name(err));
	finish_as(login, KEEPER_FAILED);
}

/* Whether it may go on: its account is there and it is not delayed. */
static bool admitted(struct login *login)
{
	struct keeper_logins *l = login->l;
	uint64_t wait = 0, id = login->account.id;
	enum sn_err err;

	err = keeper_vault_look(l->options.vault, id, login->fp,
	    sn_clock_wall_ms(), &login->account, &wait);
	login->account.id = id;
	if (err != SN_OK && err != SN_ENOTFOUND) {
		trouble(login, err);
		return (false);
	}
	l->counts.delayed += wait > 0;
	if (err == SN_ENOTFOUND || wait > 0) {
		login->unseen = true;
		refuse(login);
		return (false);
	}
	return (true);
}

static void pump(struct keeper_logins *l);

static void passed(struct login *login)
{
	struct keeper_logins *l = login->l;
	struct keeper_answer answer = { .verdict = KEEPER_OK };
	uint64_t now = sn_clock_wall_ms();
	enum sn_err err;

	if (login->verb == KEEPER_CHANGE)
		err = keeper_vault_change(l->options.vault, &login->account,
		    login->fp, login->job.made, now, &answer);
	else
		err = keeper_vault_pass(l->options.vault, &login->account,
		    login->fp, login->job.made, now, &answer);
	if (err == SN_EAUTH) {
		refuse(login);
	} else if (err != SN_OK) {
		trouble(login, err);
	} else {
		l->counts.accepted++;
		finish(login, &answer);
	}
}

static void job_done(void *owner, struct mail *mail)
{
	struct login *login = (struct login *)mail;
	struct keeper_logins *l = login->l;

	(void)owner;
	l->counts.checked++;
	if (l->stopping)
		drop(login);
	else if (login->job.err == SN_OK)
		passed(login);
	else if (login->job.err == SN_EAUTH)
		failed(login);
	else
		trouble(login, login->job.err);
	pump(l);
}

static void run(struct login *login)
{
	struct keeper_logins *l = login->l;

	l->queued--;
	l->running++;
	login->state = RUNNING;
	login->job.done.run = job_done;
	login->job.cost = l->options.cost;
	memcpy(login->job.phc, login->account.phc, sizeof(login->job.phc));
	keeper_pool_run(l->pool, &login->job);
}

/* A one-time secret needs no Argon2, but for the password it becomes. */
static void dispatch(struct login *login)
{
	const struct keeper_account *account = &login->account;
	const struct sn_bytes given = { login->job.password.data,
		login->job.password.len };

	if (!admitted(login))
		return;
	if (account->phc[0] != '\0')
		run(login);
	else if (!keeper_account_is_secret(account, given, sn_clock_wall_ms()))
		failed(login);
	else if (login->verb == KEEPER_CHANGE)
		run(login);
	else
		finish_as(login, KEEPER_CHOOSE);
}

static bool same_device(const struct login *a, const struct login *b)
{
	return (a->account.id == b->account.id &&
		memcmp(a->fp, b->fp, sizeof(a->fp)) == 0);
}

static bool device_runs(const struct keeper_logins *l, const struct login *of)
{
	for (const struct login *i = l->first; i != NULL; i = i->next) {
		if (i->state == RUNNING && same_device(i, of))
			return (true);
	}
	return (false);
}

static struct login *pick(const struct keeper_logins *l)
{
	struct login *best = NULL;

	for (struct login *i = l->first; i != NULL; i = i->next) {
		if (i->state == QUEUED &&
		    (best == NULL || i->turn < best->turn) &&
		    !device_runs(l, i))
			best = i;
	}
	return (best);
}

static void pump(struct keeper_logins *l)
{
	struct login *login;

	while (!l->stopping && l->queued > 0 &&
	       l->running < l->options.workers && (login = pick(l)) != NULL) {
		l->turn = login->turn;
		dispatch(login);
	}
}

/* Whether the device has not too much under way, and the place in line. */
static bool room_for(const struct keeper_logins *l, struct login *login)
{
	unsigned device = 0;

	login->turn = l->turn;
	for (const struct login *i = l->first; i != NULL; i = i->next) {
		if (i->account.id != login->account.id)
			continue;
		device += same_device(i, login);
		if (i->state == QUEUED && i->turn >= login->turn)
			login->turn = i->turn + 1;
	}
	return (l->under_way < UNDER_WAY_MAX && device < FINGERPRINT_MAX);
}

static void reject(struct keeper_logins *l, struct keeper_asker *asker,
    const struct keeper_request *request, enum keeper_verdict verdict)
{
	const struct keeper_answer answer = {
		.cookie = request->cookie,
		.verdict = verdict,
		.retry_ms = verdict == KEEPER_BUSY ? RETRY_MS : 0,
	};

	l->counts.busy += verdict == KEEPER_BUSY;
	asker->answer(asker, &answer);
}

static enum sn_err make(struct keeper_logins *l, struct keeper_asker *asker,
    const struct keeper_request *request, struct login **out)
{
	struct login *login = calloc(1, sizeof(*login));
	enum sn_err err;

	if (login == NULL)
		return (SN_ENOMEM);
	err = sn_secret_copy(
	    request->first.p, request->first.n, &login->job.password);
	if (err == SN_OK && request->verb == KEEPER_CHANGE)
		err = sn_secret_copy(
		    request->second.p, request->second.n, &login->job.fresh);
	if (err != SN_OK) {
		sn_secret_free(&login->job.password);
		free(login);
		return (err);
	}
	login->l = l;
	login->asker = asker;
	login->state = QUEUED;
	login->verb = request->verb;
	login->cookie = request->cookie;
	login->account.id = request->account;
	memcpy(login->fp, request->fp, sizeof(login->fp));
	login->arrived = sn_clock_mono();
	login->due = login->arrived + l->options.answer_ns;
	*out = login;
	return (SN_OK);
}

/* The one whose turn would come last, of equals the latest: it belongs to
 * the account that has the most in line. */
static struct login *last_in_line(const struct keeper_logins *l)
{
	struct login *last = NULL;

	for (struct login *i = l->first; i != NULL; i = i->next) {
		if (i->state == QUEUED &&
		    (last == NULL || i->turn >= last->turn))
			last = i;
	}
	return (last);
}

/* Who floods the queue is turned away, not who comes into a flood. */
static void shed(struct keeper_logins *l)
{
	struct keeper_answer busy = {
		.verdict = KEEPER_BUSY,
		.retry_ms = RETRY_MS,
	};

	l->counts.busy++;
	finish(last_in_line(l), &busy);
}

static void admit(struct keeper_logins *l, struct login *login)
{
	enlist(l, login);
	l->under_way++;
	l->queued++;
	if (admitted(login) && l->queued > l->options.queue_max)
		shed(l);
}

void keeper_logins_start(struct keeper_logins *l, struct keeper_asker *asker,
    const struct keeper_request *request)
{
	struct login *login;

	if (request->verb == KEEPER_CHANGE &&
	    request->second.n < PASSWORD_MIN) {
		reject(l, asker, request, KEEPER_WEAK);
		return;
	}
	if (make(l, asker, request, &login) != SN_OK) {
		reject(l, asker, request, KEEPER_FAILED);
		return;
	}
	if (room_for(l, login)) {
		admit(l, login);
		pump(l);
		return;
	}
	sn_secret_free(&login->job.password);
	sn_secret_free(&login->job.fresh);
	free(login);
	reject(l, asker, request, KEEPER_BUSY);
}

void keeper_logins_forget(
    struct keeper_logins *l, const struct keeper_asker *asker)
{
	struct login *i, *next;

	for (i = l->first; i != NULL; i = next) {
		next = i->next;
		if (i->asker != asker)
			continue;
		i->asker = NULL;
		if (i->state != RUNNING)
			drop(i);
	}
}

/* Whether it would still be in line had its password been looked at.  Its
 * answer waits as long, or under load the time would tell. */
static bool would_wait(const struct keeper_logins *l, const struct login *of)
{
	if (!of->unseen || l->queued + l->running == 0)
		return (false);
	for (const struct login *i = l->first; i != NULL; i = i->next) {
		if (i->arrived > of->arrived)
			continue;
		if (i->state == RUNNING ||
		    (i->state == QUEUED && i->turn <= of->turn))
			return (true);
	}
	return (false);
}

uint64_t keeper_logins_tick(struct keeper_logins *l, uint64_t now)
{
	struct login *login;

	while ((login = l->first) != NULL && login->due <= now) {
		if (login->state == REFUSED && !would_wait(l, login)) {
			finish_as(login, KEEPER_REFUSED);
			continue;
		}
		/* Not known yet: then a whole answer time later. */
		delist(l, login);
		login->due += l->options.answer_ns;
		enlist(l, login);
	}
	return (login == NULL ? UINT64_MAX : login->due - now);
}

const struct keeper_logins_counts *keeper_logins_counts(
    const struct keeper_logins *l)
{
	((struct keeper_logins *)l)->counts.waiting = l->queued;
	return (&l->counts);
}

void keeper_logins_stop(struct keeper_logins *l)
{
	struct login *i, *next;

	if (l == NULL)
		return;
	l->stopping = true;
	for (i = l->first; i != NULL; i = next) {
		next = i->next;
		i->asker = NULL;
		if (i->state != RUNNING)
			drop(i);
	}
	keeper_pool_free(l->pool);
}

void keeper_logins_free(struct keeper_logins *l)
{
	free(l);
}
