#ifndef SERVER_NET_LOOP_H
#define SERVER_NET_LOOP_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/store.h"
#include "lib/tls.h"
#include "server/keeper/keeper_client.h"
#include "server/base/mailbox.h"
#include "server/base/map.h"
#include "server/net/deadline.h"
#include "server/net/door.h"
#include "server/net/known.h"
#include "server/net/net.h"
#include "server/oplog/oplog.h"
#include "server/net/sess.h"
#include "server/net/signals.h"

#define LOOP_SCRATCH 16384 /* One TLS record. */

/*
 * One thread with its listener, its sessions and its reader of the
 * database.  Nothing in it is touched by another thread, but ${mailbox}.
 */
struct loop {
	struct net *net;
	unsigned index;
	pthread_t thread;
	bool stopping;
	struct sn_poll *poll;
	struct mailbox *mailbox;
	struct sn_poll_watch listener;
	bool listening;
	bool
	    submitted; /* To the log in this turn, which is still to be woken. */

	int sign_fd; /* To the keeper's signing thread; -1: none yet. */
	struct sn_poll_watch keeper_watch;
	struct keeper_client *keeper; /* NULL until the keeper stands. */
	const struct settings *settings;
	struct gate *gate;
	struct sn_tls_context *tls;
	struct sn_log_limit refusals;

	struct sn_txn *reader; /* Reset but while ${reading}. */
	bool reading;
	uint64_t head;          /* The last sequence of the batches seen. */
	struct sess *unsettled; /* They wait for the tables: see settle.h. */
	enum oplog_settle settling; /* The log was asked for that. */

	struct known names; /* Of accounts: their ids, a uint64_t. */
	uint64_t changes;   /* How often loop_changed was called. */
	struct signals_known signals;
	struct door door;
	struct deadlines deadlines;
	struct map sessions;  /* id -> struct sess */
	struct map followers; /* account id -> struct follower */
	struct map rooms;     /* room id -> struct follow_room */
	struct sess *all, *dirty, *again, *throttled, *closed;
	unsigned count;
	struct sess *receipts_now, *receipts_later;
	struct receipt_left *receipts_left; /* See receipt_delivered.c. */
	struct read_later *reads_later;     /* See receipt_read.c. */
	unsigned reads_waiting;
	uint64_t last_id;
	uint64_t last_tick, last_release;
	uint8_t scratch[LOOP_SCRATCH];
	uint8_t tail[SN_FRAME_MAX + 512]; /* Of what is on its way in. */
};

enum sn_err loop_new(struct net *net, unsigned index, int listen_fd,
    struct loop **out) SN_MUST_USE;

/** loop_start(loop): its thread; it ends when loop_stop has been mailed. */
enum sn_err loop_start(struct loop *loop) SN_MUST_USE;
void loop_free(struct loop *loop);

/** loop_stop(loop): in the loop's thread: leave after this turn. */
void loop_stop(struct loop *loop);

/**
 * loop_read(loop, out):
 * The snapshot of this turn.  loop_read_fresh: one taken now, which holds
 * every batch that was committed before.
 */
enum sn_err loop_read(struct loop *loop, struct sn_txn **out) SN_MUST_USE;
enum sn_err loop_read_fresh(struct loop *loop, struct sn_txn **out) SN_MUST_USE;

/** loop_let_go(loop): the next loop_read takes a new snapshot. */
void loop_let_go(struct loop *loop);

/** loop_changed(loop): accounts, rooms or memberships did: forget what was
 * read of them; what is read from now on holds every batch that was committed
 * before. */
void loop_changed(struct loop *loop);

/** loop_keeper_fd(loop, fd): talk to a keeper that was (re)started. */
enum sn_err loop_keeper_fd(struct loop *loop, int fd) SN_MUST_USE;

/**
 * loop_front(loop, settings, gate, tls):
 * What counts from now on; takes references of its own of the last two.
 * Sessions that the new gate would not let in are closed; returns how many.
 */
unsigned loop_front(struct loop *loop, const struct settings *settings,
    struct gate *gate, struct sn_tls_context *tls);

/** loop_listen(loop, on): accept connections or stop to. */
void loop_listen(struct loop *loop, bool on);

#endif
