#ifndef SERVER_NET_NET_IMPL_H
#define SERVER_NET_NET_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "server/net/addresses.h"
#include "server/net/allowance.h"
#include "server/net/cert_watch.h"
#include "server/net/crl_watch.h"
#include "server/net/cursors.h"
#include "server/net/limits.h"
#include "server/net/loop.h"
#include "server/net/net.h"
#include "server/net/presence.h"
#include "server/net/reads.h"
#include "server/net/thrift.h"
#include "server/oplog/oplog.h"

#define NET_LOOPS_MAX 64

/*
 * The net process.  Its main thread talks to the parent (net.c, admin.c);
 * each loop has its own; the log has one.
 */
struct net {
	struct sn_store *store;
	struct oplog *log;
	struct cursors *cursors;
	struct reads *reads;
	struct presence *presence;
	struct allowance *allowance;
	/* Sessions that asked to be told of these. */
	atomic_uint receipts_wanted, signals_wanted, presence_wanted;
	/* Changes of accounts, rooms and memberships that were committed;
	 * counted before anybody, and any loop, hears of them. */
	atomic_ullong changes;
	struct limits limits;
	struct addresses *addresses;
	struct sweeper *sweeper;
	struct backup *backup; /* One that is being written, or NULL. */
	struct loop *loops[NET_LOOPS_MAX];
	unsigned loop_count;
	uint64_t started; /* Monotonic. */
	atomic_ullong faults;
	/* The main thread's own; the loops have theirs: */
	struct settings *settings;
	struct gate *gate;
	struct sn_tls_context *tls;
	struct crl_watch crl_watch;
	struct thrift thrift;
	struct cert_watch cert_watch;
	bool draining;
	enum sn_subject_rule rule;
	uint64_t last_reserved; /* Account ids handed out. */
};

/** net_submit(s, ref, op): submit for a session; its answer comes later. */
enum sn_err net_submit(
    struct sess *s, uint64_t ref, const struct op *op) SN_MUST_USE;

/** net_count_fault(net): one more broken invariant. */
void net_count_fault(struct net *net);

/**
 * net_each_loop(net, call, arg):
 * Main thread: run ${call} in every loop's thread, all at once, and wait
 * until the last is done.
 */
void net_each_loop(
    struct net *net, void (*call)(struct loop *loop, void *arg), void *arg);

#endif
