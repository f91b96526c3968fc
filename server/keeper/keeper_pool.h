#ifndef SERVER_KEEPER_KEEPER_POOL_H
#define SERVER_KEEPER_KEEPER_POOL_H

#include "lib/secret.h"
#include "server/keeper/argon.h"
#include "server/base/mailbox.h"

/*
 * The threads that compute Argon2, at a low priority, so that neither signing
 * nor the keeper's own loop waits long for a processor that one of them has.
 * Not at SCHED_IDLE: where the processors have other work all the time, a
 * password would never be looked at, and nobody could log in.
 * They know nothing but a job; who gets one is the queue's matter.
 */
struct keeper_job {
	struct mail done; /* Posted when it is; its run is the owner's. */
	struct keeper_job *next;
	struct argon_cost cost;
	char phc[ARGON_PHC_MAX]; /* To verify against; "": nothing to. */
	struct sn_secret password;
	struct sn_secret fresh; /* To hash when verified; empty: none. */
	enum sn_err err;        /* SN_OK, SN_EAUTH, or why it failed. */
	/* A new hash, of ${fresh} or of ${password} at a new cost; or "". */
	char made[ARGON_PHC_MAX];
};

struct keeper_pool;

/** keeper_pool_new(threads, mailbox, out): SN_ENOMEM. */
enum sn_err keeper_pool_new(unsigned threads, struct mailbox *mailbox,
    struct keeper_pool **out) SN_MUST_USE;

/** keeper_pool_free(pool): joins the threads; what waits is posted undone
 * with SN_EBUSY. */
void keeper_pool_free(struct keeper_pool *pool);

/** keeper_pool_run(pool, job): job is the pool's until posted. */
void keeper_pool_run(struct keeper_pool *pool, struct keeper_job *job);

/** keeper_pool_work(job): the job itself; wipes its secrets. */
void keeper_pool_work(struct keeper_job *job);

#endif
