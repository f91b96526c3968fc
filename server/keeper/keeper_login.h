#ifndef SERVER_KEEPER_KEEPER_LOGIN_H
#define SERVER_KEEPER_KEEPER_LOGIN_H

#include "server/keeper/keeper_pool.h"
#include "server/keeper/keeper_vault.h"
#include "server/keeper/keeper_wire.h"

/*
 * Passwords under way, from arrival to answer.
 *
 *	arrival -> queue -> Argon2 -> answer
 *	       \        \          \
 *	        `--------`----------`-> refused -> answer, on time
 *
 * Every refusal, whatever its reason, is answered the same time after the
 * arrival, or, where passwords wait in line, a whole number of times that; one
 * refused unseen waits with those before it.  Of one certificate one password
 * is looked at at a time (keeper_line.h), and its delay is looked up again
 * before each: ten guesses sent at once are worth no more than ten sent one by
 * one.  When more wait than may, the one that would come last is answered busy:
 * one of whoever floods.
 */
struct keeper_logins;

/* Whom an answer goes to. */
struct keeper_asker {
	void (*answer)(
	    struct keeper_asker *asker, const struct keeper_answer *answer);
};

struct keeper_logins_options {
	struct keeper_vault *vault;
	struct mailbox *mailbox;
	unsigned workers;
	unsigned queue_max; /* Waiting for Argon2. */
	uint64_t answer_ns;
	struct argon_cost cost;
};

struct keeper_logins_counts {
	uint64_t checked; /* Argon2 computed. */
	uint64_t accepted, refused, delayed, busy;
	unsigned waiting; /* Now. */
};

enum sn_err keeper_logins_new(const struct keeper_logins_options *options,
    struct keeper_logins **out) SN_MUST_USE;

/**
 * keeper_logins_stop(l):
 * Drop what is under way and join the threads.  What they post last is in
 * the mailbox then: free that, and after it ${l} with keeper_logins_free.
 */
void keeper_logins_stop(struct keeper_logins *l);
void keeper_logins_free(struct keeper_logins *l);

/** keeper_logins_change(l, queue_max, answer_ns, cost): for what comes from
 * now on. */
void keeper_logins_change(struct keeper_logins *l, unsigned queue_max,
    uint64_t answer_ns, const struct argon_cost *cost);

/**
 * keeper_logins_start(l, asker, request):
 * For KEEPER_LOGIN and KEEPER_CHANGE; answers at once or later.
 */
void keeper_logins_start(struct keeper_logins *l, struct keeper_asker *asker,
    const struct keeper_request *request);

/** keeper_logins_forget(l, asker): it will not be answered any more. */
void keeper_logins_forget(
    struct keeper_logins *l, const struct keeper_asker *asker);

/** keeper_logins_tick(l, now): answer what is due (monotonic, ns); returns
 * the ns until the next call, UINT64_MAX when nothing waits. */
uint64_t keeper_logins_tick(struct keeper_logins *l, uint64_t now);

/** keeper_logins_counts(l): for status. */
const struct keeper_logins_counts *keeper_logins_counts(
    const struct keeper_logins *l);

#endif
