#include "server/keeper/keeper_login.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "server/keeper/keeper_line.h"

#define PASSWORD_MIN 8
#define RETRY_MS 1000

struct login {
	struct keeper_job job; /* First: the pool gives it back. */
	struct keeper_logins *l;
	struct keeper_place place;
	struct keeper_asker *asker; /* NULL: gone. */
	uint8_t verb;
	uint64_t cookie;
	struct keeper_account account; /* As looked at. */
};

struct keeper_logins {
	struct keeper_logins_options options;
	struct keeper_pool *pool;
	struct keeper_line line;
	bool stopping;
	struct keeper_logins_counts counts;
};

static struct login *login_at(struct keeper_place *place)
{
	return (
	    (struct login *)((char *)place - offsetof(struct login, place)));
}

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

static void drop(struct login *login)
{
	keeper_line_leave(&login->l->line, &login->place);
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

	keeper_line_refuse(&l->line, &login->place);
	l->counts.refused++;
	sn_secret_free(&login->job.password);
	sn_secret_free(&login->job.fresh);
}

static void failed(struct login *login)
{
	keeper_vault_fail(login->l->options.vault, login->account.id,
	    login->place.fp, sn_clock_wall_ms());
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

	err = keeper_vault_look(l->options.vault, id, login->place.fp,
	    sn_clock_wall_ms(), &login->account, &wait);
	login->account.id = id;
	if (err != SN_OK && err != SN_ENOTFOUND) {
		trouble(login, err);
		return (false);
	}
	l->counts.delayed += wait > 0;
	if (err == SN_ENOTFOUND || wait > 0) {
		login->place.unseen = true;
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
		    login->place.fp, login->job.made, now, &answer);
	else
		err = keeper_vault_pass(l->options.vault, &login->account,
		    login->place.fp, login->job.made, now, &answer);
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

	keeper_line_run(&l->line, &login->place);
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

static void pump(struct keeper_logins *l)
{
	struct keeper_place *place;

	while (!l->stopping && l->line.queued > 0 &&
	       l->line.running < l->options.workers &&
	       (place = keeper_line_next(&l->line)) != NULL)
		dispatch(login_at(place));
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
	login->verb = request->verb;
	login->cookie = request->cookie;
	login->account.id = login->place.account = request->account;
	memcpy(login->place.fp, request->fp, sizeof(login->place.fp));
	login->place.arrived = sn_clock_mono();
	login->place.due = login->place.arrived + l->options.answer_ns;
	*out = login;
	return (SN_OK);
}

/* Who floods the queue is turned away, not who comes into a flood. */
static void shed(struct keeper_logins *l)
{
	struct keeper_answer busy = {
		.verdict = KEEPER_BUSY,
		.retry_ms = RETRY_MS,
	};

	l->counts.busy++;
	finish(login_at(keeper_line_last(&l->line)), &busy);
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
	if (keeper_line_enter(&l->line, &login->place)) {
		if (admitted(login) && l->line.queued > l->options.queue_max)
			shed(l);
		pump(l);
		return;
	}
	sn_secret_free(&login->job.password);
	sn_secret_free(&login->job.fresh);
	free(login);
	reject(l, asker, request, KEEPER_BUSY);
}

/* Those of one asker, or all: nobody hears of them any more. */
static void forget(struct keeper_logins *l, const struct keeper_asker *asker)
{
	struct keeper_place *i, *next;

	for (i = l->line.first; i != NULL; i = next) {
		struct login *login = login_at(i);

		next = i->next;
		if (asker != NULL && login->asker != asker)
			continue;
		login->asker = NULL;
		/* A thread still has it. */
		if (i->state != KEEPER_RUNNING)
			drop(login);
	}
}

void keeper_logins_forget(
    struct keeper_logins *l, const struct keeper_asker *asker)
{
	forget(l, asker);
}

uint64_t keeper_logins_tick(struct keeper_logins *l, uint64_t now)
{
	struct keeper_place *place;

	while ((place = l->line.first) != NULL && place->due <= now) {
		/* It waits as long as those that are looked at, or under load
		 * the time would tell. */
		if (place->state == KEEPER_TURNED_AWAY &&
		    !keeper_line_would_wait(&l->line, place))
			finish_as(login_at(place), KEEPER_REFUSED);
		else
			/* Not known yet: then a whole answer time later. */
			keeper_line_put_off(
			    &l->line, place, l->options.answer_ns);
	}
	return (place == NULL ? UINT64_MAX : place->due - now);
}

const struct keeper_logins_counts *keeper_logins_counts(
    const struct keeper_logins *l)
{
	((struct keeper_logins *)l)->counts.waiting = l->line.queued;
	return (&l->counts);
}

void keeper_logins_stop(struct keeper_logins *l)
{
	if (l == NULL)
		return;
	l->stopping = true;
	forget(l, NULL);
	keeper_pool_free(l->pool);
}

void keeper_logins_free(struct keeper_logins *l)
{
	free(l);
}
