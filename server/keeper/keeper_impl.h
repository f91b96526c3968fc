#ifndef SERVER_KEEPER_KEEPER_IMPL_H
#define SERVER_KEEPER_KEEPER_IMPL_H

#include "server/base/channel.h"
#include "server/keeper/keeper_auth.h"
#include "server/keeper/keeper_sign.h"
#include "server/base/map.h"

/*
 * The keeper's inside, for its own files.  The main thread owns all of it
 * but what the threads of keeper_sign.c and keeper_pool.c own.
 */
struct keeper_policy {
	char dir[4096]; /* Of its database. */
	uint64_t map_size;
	atomic_int *latch; /* Of its database, or NULL; see lib/store.h. */
	struct argon_cost cost;
	unsigned workers;
	unsigned queue_max;
	uint64_t answer_ms;
	struct keeper_delays delays;
	uint64_t secret_life_ms;
	uint64_t token_life_ms;
	uint64_t sign_rate;
	/* NULL in tests that share the process. */
	enum sn_err (*sandbox)(struct sn_why *why);
};

struct keeper {
	struct keeper_policy policy;
	struct sn_poll *poll;
	struct mailbox *mailbox;
	struct sn_store *store;
	struct keeper_vault vault;
	struct keeper_logins *logins;
	struct keeper_auth *auth;
	struct keeper_sign *sign;
	struct sn_poll_watch ctl;
	struct map kept; /* Accounts that a keep in progress has named. */
	bool keeping;
	bool stop;
	char message[CHANNEL_MESSAGE_MAX]; /* Of the parent. */
};

/** keeper_serve(policy, key, ctl_fd): the keeper, from opening its database
 * until it is told to stop; returns the exit status.  Closes key->fd. */
int keeper_serve(const struct keeper_policy *policy,
    const struct keeper_key_source *key, int ctl_fd);

/** keeper_ctl_read(k): take one request of the parent and answer it. */
void keeper_ctl_read(struct keeper *k);

/** keeper_ctl_say(fd, err, text): the greeting, {"id":0,...}. */
void keeper_ctl_say(int fd, enum sn_err err, const char *text);

#endif
