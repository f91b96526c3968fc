#ifndef SERVER_KEEPER_KEEPER_H
#define SERVER_KEEPER_KEEPER_H

#include <stdatomic.h>

#include "lib/bytes.h"

struct settings;

/*
 * The keeper: the process that holds the TLS key, the password hashes, the
 * counters of failures, the auth epochs and the keys of resume tokens, in
 * an LMDB environment of its own, and never meets the network.  net asks it
 * over the channels (server/keeper/keeper_wire.h; signatures as in
 * server/keeper/provider.h); everything that creates, resets or removes comes from
 * the parent alone, over ${ctl_fd}.
 *
 * On ctl_fd (SOCK_SEQPACKET), JSON text: {"id":N,"cmd":...} is answered by
 * {"id":N,"ok":true,...} or {"id":N,"ok":false,"error":..,"message":..}:
 *
 *	channels  + descriptors sign[0..n-1], auth[0..n-1]; replace all before
 *	create    {account_id, secret | password}
 *	reset     {account_id, secret | password}; raises the epoch and clears
 *		  the failures
 *	unlock    {account_id}; clears the failures
 *	remove    {account_id}
 *	epoch     {account_id}; voids every token of the account
 *	keep      {ids:[..], more:bool}; when more is false, every row of an
 *		  account not named since the last such request is removed
 *	reload    + descriptors key, chain (PEM); the key before stays in use
 *		  as well
 *	policy    {memory_kib, iterations, parallelism, queue, answer_ms,
 *		  delay_first_ms, delay_max_ms, failures_per_day,
 *		  secret_life_ms, token_life_ms, sign_rate}: from now on
 *	status
 *	stop
 *
 * `secret` is text of at least 22 characters that holds 128 random bits, and
 * is typed as it stands.  `password` is text of at least 8 bytes.  account_id
 * is a number.  `reload` may say {passphrase} and {name}, of the key's file.
 * Errors are bad-request, exists, not-found, bad-key, store, failed.
 */
struct keeper_start {
	const struct settings *settings;
	int ctl_fd;                /* Taken. */
	int key_fd;                /* Open on the key's file; taken. */
	struct sn_bytes chain_pem; /* Its first certificate's key is served. */
	const char *key_name;      /* The file's name, for messages. */
	const char *passphrase;    /* Of the key; NULL: none. */
	atomic_int *latch;         /* Of its database: see lib/store.h. */
};

/**
 * keeper_run(start):
 * Be the keeper, in a process just forked, until told to stop or ctl_fd
 * closes.  Writes {"id":0,"ok":true} to ctl_fd once it serves, or
 * {"id":0,"ok":false,...} before it returns for want of something.  Returns
 * the exit status.
 */
int keeper_run(const struct keeper_start *start);

#endif
