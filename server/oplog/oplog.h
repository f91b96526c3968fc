#ifndef SERVER_OPLOG_OPLOG_H
#define SERVER_OPLOG_OPLOG_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/store.h"
#include "server/oplog/apply.h"
#include "server/oplog/db.h"

/*
 * The log: handlers submit an operation and hear its place in the one total
 * order, or an error, when it is durable.  They cannot tell what keeps the
 * log; behind struct oplog stands the embedded one (oplog_embedded.h).
 *
 * A request is one operation, or rows of this node alone (a cursor, a last
 * use), which are written in the same transactions but are not operations, or
 * nothing but the wish that the tables be settled.
 *
 * A message may be durable, and answered, before the tables hold it.  All
 * else that an answer tells of stands in the tables then.  Whoever reads
 * messages from them asks oplog_readable first, or has it settled.
 */
struct oplog_waiter;
enum oplog_settle {
	OPLOG_SETTLE_NOT,
	OPLOG_SETTLE_NOW,
	OPLOG_SETTLE_SOON, /* As it comes: a commit is not made for this. */
};

struct oplog_request {
	struct oplog_request *next;
	struct oplog_waiter *waiter; /* Of oplog_submit_wait, else NULL. */
	/* Who is answered: the loop and, there, the session and its ref. */
	unsigned loop;
	uint64_t session;
	uint64_t ref;
	enum op_kind kind;
	/* A node's own row; the operation is empty then. */
	bool local;
	enum db_table table;
	/* Neither: it is answered when the tables are settled. */
	enum oplog_settle settle;
	/* The answer. */
	enum sn_err err;
	struct applied applied;
	/* The DELIVER frame, once an APPLIED_MESSAGE is durable. */
	struct sn_bytes frame;
	/* The tail of a message, in ${data}, and when it expires. */
	uint8_t *tail;
	size_t tail_len;
	uint64_t expires;
	/* The operation as op_encode wrote it; or key and value of a row. */
	size_t key_len;
	size_t len;
	uint8_t data[];
};

/** The ${loop} of requests that no session waits for. */
#define OPLOG_NO_LOOP UINT32_MAX

/*
 * What became durable, or failed, together: told to every loop, in order of
 * the log, and freed when the last has let go.
 */
struct oplog_batch {
	atomic_uint holders;
	struct oplog_request *first;
	uint64_t head; /* The last sequence in the log. */
};

/** Called by the log's own thread, once a batch, with ${holders} 0: the
 * receiver sets it, and the last holder calls oplog_release. */
typedef void oplog_sink(void *arg, struct oplog_batch *batch);

struct oplog;
struct oplog_backend {
	enum sn_err (*submit)(struct oplog *log, struct oplog_request *request);
	void (*wake)(struct oplog *log);
	void (*await)(struct oplog *log, uint64_t seq, unsigned ms);
	void (*stop)(struct oplog *log);
};

/* The first member of what a back end is. */
struct oplog {
	const struct oplog_backend *backend;
	/* The last sequences that were told of, and that the tables hold. */
	atomic_ullong head, settled;
	/* The tables cannot be written: what they hold is what can be read. */
	atomic_bool stuck;
};

/** oplog_request_new(op, out): encode ${op}.  SN_ENOMEM, SN_ETOOBIG. */
enum sn_err oplog_request_new(
    const struct op *op, struct oplog_request **out) SN_MUST_USE;

/** oplog_local_new(table, key, value, out): a row of this node's own. */
enum sn_err oplog_local_new(enum db_table table, struct sn_bytes key,
    struct sn_bytes value, struct oplog_request **out) SN_MUST_USE;

/** oplog_settle_new(when, out): the wish alone. */
enum sn_err oplog_settle_new(
    enum oplog_settle when, struct oplog_request **out) SN_MUST_USE;

/** oplog_request_free(request): one that was never submitted. */
void oplog_request_free(struct oplog_request *request);

/**
 * oplog_submit(log, request):
 * Takes ${request} on SN_OK.  SN_EFULL when too much is queued, SN_ECLOSED
 * while stopping; it still belongs to the caller then.
 */
enum sn_err oplog_submit(
    struct oplog *log, struct oplog_request *request) SN_MUST_USE;

/**
 * oplog_submit_more(log, request):
 * The same for one of several: the log need not begin before oplog_wake(log),
 * which must follow.  What came together is then durable together, and told
 * together.
 */
enum sn_err oplog_submit_more(
    struct oplog *log, struct oplog_request *request) SN_MUST_USE;
void oplog_wake(struct oplog *log);

/**
 * oplog_submit_wait(log, op, out):
 * Submit and wait until it is durable or has failed.  Not for a loop's
 * thread, and not once the log is stopping.
 */
enum sn_err oplog_submit_wait(
    struct oplog *log, const struct op *op, struct applied *out) SN_MUST_USE;

/**
 * oplog_ride(log, request):
 * The same for a row that nobody waits for: it goes with the next batch, and
 * begins none.  Whoever uses this calls oplog_wake now and then.
 */
enum sn_err oplog_ride(
    struct oplog *log, struct oplog_request *request) SN_MUST_USE;

/** oplog_ride_row(log, table, key, value): a row of this node alone that rides
 * and may be lost: a full queue, or no memory, loses it. */
void oplog_ride_row(struct oplog *log, enum db_table table, struct sn_bytes key,
    struct sn_bytes value);

/** oplog_head(log): the last sequence that anybody was told of. */
uint64_t oplog_head(struct oplog *log);

/** oplog_settled(log, seq): whether the tables hold all up to ${seq}.
 * oplog_stuck(log): they hold less than was told, and cannot be written. */
bool oplog_settled(struct oplog *log, uint64_t seq);
bool oplog_stuck(struct oplog *log);

/**
 * oplog_readable(log, seq):
 * Whether a snapshot taken from now on holds all up to ${seq}; or nothing can
 * be done about that before somebody looks at the disk.
 */
bool oplog_readable(struct oplog *log, uint64_t seq);

/**
 * oplog_settle(log, ms):
 * Wait until a snapshot holds all that anybody was told of before the call,
 * but not longer than ${ms}.  Not for a loop's thread.
 */
void oplog_settle(struct oplog *log, unsigned ms);

/** oplog_answer_waiters(batch): for the sink, before it lets go. */
void oplog_answer_waiters(const struct oplog_batch *batch);

/** oplog_stop(log): finish what was submitted, then free ${log}. */
void oplog_stop(struct oplog *log);

/** oplog_release(batch): one holder lets go. */
void oplog_release(struct oplog_batch *batch);

#endif
