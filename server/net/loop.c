#include "server/net/loop.h"

#include <stdlib.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "server/net/followers.h"
#include "server/net/net_impl.h"
#include "server/keeper/provider.h"
#include "server/net/listener.h"
#include "server/net/login.h"
#include "server/net/receipt_delivered.h"
#include "server/net/receipt_read.h"
#include "server/net/sess_work.h"
#include "server/net/settle.h"

#define TICK_MS 1000
#define RELEASE_MS 10 /* How often sessions over their rate are looked at. */

static void on_answer(void *arg, const struct keeper_answer *answer)
{
	struct loop *loop = arg;
	struct sess *s = map_get(&loop->sessions, answer->cookie);

	if (s != NULL)
		login_answer(s, answer);
}

static void on_keeper(
    struct sn_poll_watch *watch, bool can_read, bool can_write)
{
	struct loop *loop =
	    (struct loop *)(void *)((char *)watch -
				    offsetof(struct loop, keeper_watch));

	if (can_write)
		keeper_client_flush(loop->keeper);
	if (can_read &&
	    keeper_client_read(loop->keeper, on_answer, loop) != SN_OK)
		/* It died; the parent starts another and says so. */
		sn_poll_remove(loop->poll, watch);
}

enum sn_err loop_keeper_fd(struct loop *loop, int fd)
{
	enum sn_err err;

	if (loop->keeper == NULL)
		err = keeper_client_new(fd, &loop->keeper);
	else {
		sn_poll_remove(loop->poll, &loop->keeper_watch);
		err =
		    keeper_client_replace_fd(loop->keeper, fd, on_answer, loop);
	}
	if (err != SN_OK)
		return (err);
	loop->keeper_watch = (struct sn_poll_watch){
		.ready = on_keeper,
		.fd = fd,
		.read = true,
	};
	return (sn_poll_add(loop->poll, &loop->keeper_watch));
}

unsigned loop_front(struct loop *loop, const struct settings *settings,
    struct gate *gate, struct sn_tls_context *tls)
{
	unsigned closed = 0;
	struct sess *s, *next;

	loop->settings = settings;
	door_places(&loop->door, ((unsigned)settings->limits.logging_in +
				     loop->net->loop_count - 1) /
				     loop->net->loop_count);
	gate_release(loop->gate);
	loop->gate = gate_hold(gate);
	sn_tls_context_free(loop->tls);
	loop->tls = sn_tls_context_hold(tls);
	for (s = loop->all; s != NULL; s = next) {
		next = s->next;
		/* Before HELLO it has no peer, and HELLO looks again. */
		if (s->state > SESS_TLS && sess_recheck(s))
			closed++;
	}
	return (closed);
}

void loop_listen(struct loop *loop, bool on)
{
	loop->listening = on;
	sn_poll_want(loop->poll, &loop->listener, on, false);
}

enum sn_err loop_read(struct loop *loop, struct sn_txn **out)
{
	enum sn_err err;

	if (!loop->reading) {
		if ((err = sn_txn_renew(loop->reader)) != SN_OK)
			return (err);
		loop->reading = true;
	}
	*out = loop->reader;
	return (SN_OK);
}

void loop_let_go(struct loop *loop)
{
	if (loop->reading)
		sn_txn_reset(loop->reader);
	loop->reading = false;
}

enum sn_err loop_read_fresh(struct loop *loop, struct sn_txn **out)
{
	loop_let_go(loop);
	return (loop_read(loop, out));
}

void loop_changed(struct loop *loop)
{
	known_forget(&loop->names);
	loop->changes++;
	loop_let_go(loop);
}

static void work_again(struct loop *loop)
{
	struct sess *s = loop->again, *next;

	loop->again = NULL;
	for (; s != NULL; s = next) {
		next = s->next_again;
		s->again = false;
		sess_work(s);
	}
}

static void release_throttled(struct loop *loop)
{
	uint64_t now = sn_clock_mono();
	struct sess *s = loop->throttled, *next;

	if (s == NULL || now - loop->last_release < RELEASE_MS * SN_NS_PER_MS)
		return;
	loop->last_release = now;
	loop->throttled = NULL;
	for (; s != NULL; s = next) {
		next = s->in.next;
		s->in.throttled = false;
		sess_again(s);
	}
}

static void flush_dirty(struct loop *loop)
{
	struct sess *s, *next;

	while ((s = loop->dirty) != NULL) {
		loop->dirty = NULL;
		for (; s != NULL; s = next) {
			next = s->out.next;
			sess_flush(s);
		}
	}
}

static void free_closed(struct loop *loop)
{
	struct sess *s, *next, **at;

	if (loop->closed == NULL)
		return;
	/* Some of them may still be on a list for a later turn. */
	for (at = &loop->again; *at != NULL;) {
		if ((*at)->state == SESS_CLOSED)
			*at = (*at)->next_again;
		else
			at = &(*at)->next_again;
	}
	settle_forget(loop);
	for (at = &loop->throttled; *at != NULL;) {
		if ((*at)->state == SESS_CLOSED)
			*at = (*at)->in.next;
		else
			at = &(*at)->in.next;
	}
	for (s = loop->closed; s != NULL; s = next) {
		next = s->next;
		sess_free(s);
	}
	loop->closed = NULL;
}

static void tick(struct loop *loop)
{
	uint64_t now = sn_clock_mono();
	struct sess *s, *next;

	deadline_look(loop, now, sess_late);
	if (now - loop->last_tick < TICK_MS * SN_NS_PER_MS)
		return;
	loop->last_tick = now;
	for (s = loop->all; s != NULL; s = next) {
		next = s->next;
		sess_tick(s, now);
	}
	settle_tick(loop);
	receipt_delivered_tick(loop);
	receipt_read_tick(loop);
	if (loop->listening)
		sn_poll_want(loop->poll, &loop->listener, true, false);
}

/* Requests to the keeper that found its socket full. */
static void watch_keeper(struct loop *loop)
{
	if (loop->keeper != NULL && keeper_client_fd(loop->keeper) >= 0)
		sn_poll_want(loop->poll, &loop->keeper_watch, true,
		    keeper_client_waits(loop->keeper));
}

/*
 * Before the output, which the log's thread need not wait for: a turn's
 * messages become one batch, and one record for each who gets them.
 */
static void wake_log(struct loop *loop)
{
	if (!loop->submitted)
		return;
	loop->submitted = false;
	oplog_wake(loop->net->log);
}

static int timeout(const struct loop *loop)
{
	if (loop->again != NULL || loop->stopping)
		return (0);
	if (loop->throttled != NULL)
		return (door_timeout(loop, RELEASE_MS));
	return (deadline_timeout(
	    loop, sn_clock_mono(), door_timeout(loop, TICK_MS)));
}

static void *run(void *arg)
{
	struct loop *loop = arg;

	while (!loop->stopping) {
		if (sn_poll_turn(loop->poll, timeout(loop)) != SN_OK) {
			sn_log(SN_ALARM, "loop.failed", "loop=%u", loop->index);
			abort();
		}
		release_throttled(loop);
		work_again(loop);
		door_open(loop);
		tick(loop);
		watch_keeper(loop);
		receipt_delivered_turn(loop);
		wake_log(loop);
		flush_dirty(loop);
		loop_let_go(loop);
		free_closed(loop);
		wake_log(loop); /* For what ended meanwhile. */
	}
	return (NULL);
}

enum sn_err loop_start(struct loop *loop)
{
	if (pthread_create(&loop->thread, NULL, run, loop) != 0)
		return (SN_ENOMEM);
	return (SN_OK);
}

void loop_stop(struct loop *loop)
{
	loop->stopping = true;
}

enum sn_err loop_new(
    struct net *net, unsigned index, int listen_fd, struct loop **out)
{
	struct loop *loop;
	enum sn_err err;

	if ((loop = calloc(1, sizeof(*loop))) == NULL)
		return (SN_ENOMEM);
	loop->net = net;
	loop->index = index;
	loop->sign_fd = -1;
	loop->refusals.burst = 20;
	loop->refusals.period_ns = SN_NS_PER_S;
	loop->listener = (struct sn_poll_watch){
		.ready = listener_ready,
		.fd = listen_fd,
	};
	if ((err = sn_poll_new(&loop->poll)) != SN_OK ||
	    (err = mailbox_new(loop->poll, loop, &loop->mailbox)) != SN_OK ||
	    (err = sn_poll_add(loop->poll, &loop->listener)) != SN_OK ||
	    (err = sn_txn_read(net->store, &loop->reader)) != SN_OK) {
		loop_free(loop);
		return (err);
	}
	sn_txn_reset(loop->reader);
	*out = loop;
	return (SN_OK);
}

void loop_free(struct loop *loop)
{
	if (loop == NULL)
		return;
	while (loop->all != NULL)
		sess_drop(loop->all);
	free_closed(loop);
	door_free(&loop->door);
	mailbox_free(loop->mailbox);
	followers_free(loop);
	receipt_delivered_free(loop);
	receipt_read_free(loop);
	known_forget(&loop->names);
	known_forget(&loop->signals.targets);
	sn_txn_abort(loop->reader);
	keeper_client_free(loop->keeper);
	if (loop->sign_fd >= 0)
		(void)close(loop->sign_fd);
	gate_release(loop->gate);
	sn_tls_context_free(loop->tls);
	map_free(&loop->sessions);
	sn_poll_free(loop->poll);
	free(loop);
}
