#include "server/net/net.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "server/net/admin.h"
#include "server/base/channel.h"
#include "server/net/followers.h"
#include "server/net/front.h"
#include "server/base/material.h"
#include "server/net/net_impl.h"
#include "server/oplog/oplog_embedded.h"
#include "server/keeper/provider.h"
#include "server/base/sandbox.h"
#include "server/net/follow.h"
#include "server/net/login.h"
#include "server/net/room_events.h"
#include "server/net/rooms.h"
#include "server/net/send.h"
#include "server/net/settle.h"
#include "server/net/sweeper.h"
#include "server/net/sess_work.h"
#include "server/base/settings.h"

enum sn_err net_submit(struct sess *s, uint64_t ref, const struct op *op)
{
	struct oplog_request *q;
	size_t bytes;
	enum sn_err err;

	if ((err = oplog_request_new(op, &q)) != SN_OK)
		return (err);
	q->loop = s->loop->index;
	q->session = s->id;
	q->ref = ref;
	q->kind = op->kind;
	bytes = q->len;
	if ((err = oplog_submit_more(s->loop->net->log, q)) != SN_OK) {
		if (err == SN_EFULL)
			limits_reached(s->loop->net, LIMITS_QUEUE_BYTES);
		oplog_request_free(q);
		return (err);
	}
	/* It is the log's from here on. */
	s->loop->submitted = true;
	s->in_flight++;
	s->flight_bytes += bytes;
	return (SN_OK);
}

/* A batch on its way to one loop. */
struct batch_mail {
	struct mail mail;
	struct oplog_batch *batch;
};

static void answer(struct loop *loop, const struct oplog_request *q)
{
	struct sess *s = map_get(&loop->sessions, q->session);

	if (s == NULL)
		return;
	s->in_flight--;
	s->flight_bytes -= q->len;
	if (s->state != SESS_DRAINING) {
		switch (q->kind) {
		case OP_MESSAGE:
			send_answer(s, q);
			break;
		case OP_DEVICE_BIND:
			login_bound(s, q);
			break;
		default:
			rooms_answer(s, q);
			break;
		}
	}
	if (s->in.paused)
		sess_again(s);
}

/* Whether it changed more than messages: who there is, who may what. */
static bool is_change(const struct oplog_request *q)
{
	return (!q->local && q->settle == OPLOG_SETTLE_NOT &&
		(q->kind == OP_ACCOUNT_ADD || q->kind == OP_ACCOUNT_STATE ||
		    q->applied.what > APPLIED_MESSAGE));
}

/* What it changed, and who is answered. */
static void tell(struct loop *loop, const struct oplog_request *q)
{
	if (q->local)
		return;
	if (q->settle != OPLOG_SETTLE_NOT) {
		if (q->loop == loop->index)
			settle_told(loop, q);
		return;
	}
	if (q->err == SN_OK && q->applied.what > APPLIED_MESSAGE)
		room_events(loop, q);
	if (is_change(q))
		loop_changed(loop);
	if (q->loop == loop->index)
		answer(loop, q);
}

/*
 * The first one behind ${q} that is no message of the same conversation: what
 * comes together is told together, so that a session that gets many messages
 * of a large room is visited once.
 */
static const struct oplog_request *end_of_run(const struct oplog_request *q)
{
	const struct oplog_request *end = q->next;

	while (q->frame.n > 0 && end != NULL && end->frame.n > 0 &&
	       end->applied.room == q->applied.room)
		end = end->next;
	return (end);
}

static void run_batch(void *owner, struct mail *mail)
{
	struct batch_mail *m = (struct batch_mail *)mail;
	struct oplog_batch *batch = m->batch;
	const struct oplog_request *end;
	struct loop *loop = owner;

	free(m);
	for (const struct oplog_request *q = batch->first; q != NULL; q = end) {
		end = end_of_run(q);
		for (const struct oplog_request *r = q; r != end; r = r->next)
			tell(loop, r);
		if (q->frame.n > 0)
			followers_each(loop, q, end, follow_live);
	}
	if (batch->head > loop->head)
		loop->head = batch->head;
	oplog_release(batch);
}

/* Rows of this node alone: those that were refused are tried again. */
static void answer_rows(struct net *net, const struct oplog_batch *batch)
{
	for (const struct oplog_request *q = batch->first; q != NULL;
	     q = q->next) {
		struct sn_bytes key = { q->data, q->key_len };

		if (q->local && q->table == DB_CURSORS)
			cursors_stored(net->cursors, key, q->err);
		else if (q->local && q->table == DB_READS)
			reads_stored(net->reads, key, q->err);
	}
}

/* The log's thread: tell every loop. */
static void committed(void *arg, struct oplog_batch *batch)
{
	struct net *net = arg;

	/* Before anybody can hear of it. */
	for (struct oplog_request *q = batch->first; q != NULL; q = q->next) {
		if (is_change(q))
			atomic_fetch_add(&net->changes, 1);
	}
	answer_rows(net, batch);
	oplog_answer_waiters(batch);
	atomic_store(&batch->holders, net->loop_count);
	for (unsigned i = 0; i < net->loop_count; i++) {
		struct batch_mail *m = malloc(sizeof(*m));

		/* A loop that misses a batch would lose messages. */
		if (m == NULL)
			abort();
		m->mail.run = run_batch;
		m->batch = batch;
		mailbox_post(net->loops[i]->mailbox, &m->mail);
	}
}

void net_count_fault(struct net *net)
{
	atomic_fetch_add(&net->faults, 1);
}

struct call {
	void (*call)(struct loop *loop, void *arg);
	void *arg;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	unsigned left;
};
struct call_mail {
	struct mail mail;
	struct call *call;
};

static void run_call(void *owner, struct mail *mail)
{
	struct call *c = ((struct call_mail *)mail)->call;

	c->call(owner, c->arg);
	pthread_mutex_lock(&c->lock);
	c->left--;
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&c->lock);
}

void net_each_loop(
    struct net *net, void (*call)(struct loop *loop, void *arg), void *arg)
{
	struct call_mail mails[NET_LOOPS_MAX];
	struct call c = { .call = call, .arg = arg, .left = net->loop_count };

	pthread_mutex_init(&c.lock, NULL);
	pthread_cond_init(&c.wake, NULL);
	for (unsigned i = 0; i < net->loop_count; i++) {
		mails[i].mail.run = run_call;
		mails[i].call = &c;
		mailbox_post(net->loops[i]->mailbox, &mails[i].mail);
	}
	pthread_mutex_lock(&c.lock);
	while (c.left > 0)
		pthread_cond_wait(&c.wake, &c.lock);
	pthread_mutex_unlock(&c.lock);
	pthread_cond_destroy(&c.wake);
	pthread_mutex_destroy(&c.lock);
}

static enum sn_err open_all(
    struct net *net, const struct net_start *start, struct sn_why *why)
{
	char dir[4096];
	struct oplog_embedded_options options = {
		.batch_max = (unsigned)start->settings->store.batch_max,
		.queue_max = start->settings->limits.queue_bytes,
		.dir = dir,
	};
	const struct settings *set = start->settings;
	enum sn_err err;

	(void)snprintf(dir, sizeof(dir), "%s/net", set->data);
	if ((err = db_open(dir, set->store.map_size, 2 * NET_LOOPS_MAX + 16,
		 start->latch, &net->store, why)) != SN_OK)
		return (err);
	if ((err = cursors_new(&net->cursors)) != SN_OK ||
	    (err = reads_new(&net->reads)) != SN_OK ||
	    (err = presence_new(&net->presence)) != SN_OK ||
	    (err = allowance_new(&net->allowance)) != SN_OK ||
	    (err = addresses_new((unsigned)set->limits.connections_per_address,
		 (unsigned)set->limits.connections, &net->addresses)) != SN_OK)
		return (sn_why(why, err, "no memory to start"));
	for (unsigned i = 0; i < start->listen_count; i++) {
		err = loop_new(net, i, start->listen_fds[i], &net->loops[i]);
		if (err != SN_OK)
			return (sn_why(why, err, "cannot start a loop: %s",
			    sn_err_text(err)));
		net->loop_count++;
	}
	err = oplog_embedded_start(
	    net->store, &options, committed, net, &net->log, why);
	if (err != SN_OK)
		return (err);
	/* What the journal held may not be in the tables yet: nobody is live
	 * before it is, or would never be told. */
	for (unsigned i = 0; i < net->loop_count; i++)
		net->loops[i]->head = oplog_head(net->log);
	return (SN_OK);
}

static enum sn_err open_front(
    struct net *net, const struct net_start *start, struct sn_why *why)
{
	const struct material *m = start->material;
	struct sn_tls_context *tls;
	struct settings *settings;
	struct gate *gate;
	enum sn_err err;

	if ((err = provider_setup(why)) != SN_OK)
		return (err);
	if ((err = settings_of_text(m->config, &settings, why)) != SN_OK)
		return (err);
	if ((err = front_new(net, settings, m->authority, m->crl, m->chain,
		 &gate, &tls, why)) != SN_OK) {
		settings_free(settings);
		return (err);
	}
	net->rule = settings->account.rule;
	(void)front_swap(net, settings, gate, tls);
	cert_watch_read(m->chain, m->authority, &net->cert_watch);
	if ((err = admin_map_start(net)) != SN_OK)
		return (sn_why(why, err, "cannot read the accounts: %s",
		    sn_store_reason(net->store)));
	return (SN_OK);
}

/* One request of the parent's; false when it has gone. */
static bool serve(struct net *net, int ctl_fd, char *buffer, size_t size)
{
	int fds[CHANNEL_FDS_MAX];
	json_t *request, *reply;
	unsigned count = 0;
	char *text;
	size_t n;
	enum sn_err err;

	err = channel_recv(
	    ctl_fd, buffer, size - 1, &n, fds, CHANNEL_FDS_MAX, &count);
	if (err == SN_ECLOSED)
		return (false);
	if (err != SN_OK) {
		sn_log(
		    SN_ALARM, "control.failed", "error=%s", sn_err_name(err));
		return (err != SN_EIO);
	}
	request = json_loadb(buffer, n, 0, NULL);
	reply = admin_handle(net, request, fds, count);
	(void)json_object_set(reply, "id", json_object_get(request, "id"));
	text = json_dumps(reply, JSON_COMPACT);
	if (text != NULL &&
	    channel_send(ctl_fd, sn_bytes_of(text), NULL, 0) != SN_OK)
		sn_log(SN_ALARM, "control.unanswered", "cmd=%s",
		    admin_text(request, "cmd"));
	free(text);
	json_decref(reply);
	json_decref(request);
	return (true);
}

static void drained_in(struct loop *loop, void *arg)
{
	atomic_fetch_add((atomic_uint *)arg, loop->count);
}

static bool drained(struct net *net)
{
	atomic_uint left = 0;

	if (!net->draining)
		return (false);
	net_each_loop(net, drained_in, &left);
	return (atomic_load(&left) == 0);
}

#define STORE_EVERY_MS 1000
#define DRAIN_LOOK_MS 20

/* What waits for nobody, and what has ridden with nothing since. */
static void store_rows(struct net *net)
{
	cursors_store(net->cursors, net->log);
	reads_store(net->reads, net->log);
	oplog_wake(net->log);
}

/* The main thread: the parent's requests, and the rows each second. */
static void serve_parent(struct net *net, int ctl_fd)
{
	const size_t size = CHANNEL_MESSAGE_MAX + 1;
	uint64_t stored = sn_clock_mono(), now;
	struct pollfd p = { .fd = ctl_fd, .events = POLLIN };
	char *buffer = malloc(size);

	if (buffer == NULL)
		return;
	while (!drained(net) && !sn_store_panicked(net->store)) {
		int n =
		    poll(&p, 1, net->draining ? DRAIN_LOOK_MS : STORE_EVERY_MS);

		if (n > 0 && !serve(net, ctl_fd, buffer, size))
			break;
		now = sn_clock_mono();
		if (now - stored >= STORE_EVERY_MS * SN_NS_PER_MS) {
			store_rows(net);
			presence_announce(net);
			crl_watch_look(net);
			thrift_look(net);
			cert_watch_look(net);
			stored = now;
		}
	}
	free(buffer);
}

static void stop_in(struct loop *loop, void *arg)
{
	(void)arg;
	loop_stop(loop);
}

/* In this order: loops submit to the log, and to one another; the log answers
 * into what is left of them. */
static void close_all(struct net *net, unsigned started)
{
	sweeper_stop(net->sweeper);
	admin_backup_end(net);
	/* Those without a thread hear nothing, and answer nobody. */
	while (net->loop_count > started)
		loop_free(net->loops[--net->loop_count]);
	net_each_loop(net, stop_in, NULL);
	for (unsigned i = 0; i < started; i++)
		(void)pthread_join(net->loops[i]->thread, NULL);
	if (net->log != NULL)
		store_rows(net);
	oplog_stop(net->log);
	for (unsigned i = 0; i < net->loop_count; i++)
		loop_free(net->loops[i]);
	cursors_free(net->cursors);
	reads_free(net->reads);
	presence_free(net->presence);
	allowance_free(net->allowance);
	addresses_free(net->addresses);
	gate_release(net->gate);
	sn_tls_context_free(net->tls);
	settings_free(net->settings);
	sn_store_close(net->store);
}

static void say_ready(int ctl_fd, enum sn_err err, const struct sn_why *why)
{
	json_t *line = err == SN_OK ? json_pack("{s:i, s:b}", "id", 0, "ok", 1)
				    : json_pack("{s:i, s:b, s:s}", "id", 0,
					  "ok", 0, "message", why->text);
	char *text = json_dumps(line, JSON_COMPACT);

	if (text == NULL ||
	    channel_send(ctl_fd, sn_bytes_of(text), NULL, 0) != SN_OK)
		sn_log(SN_ALARM, "net.unheard", "why=\"%s\"", why->text);
	free(text);
	json_decref(line);
}

int net_run(const struct net_start *start)
{
	struct net net = { .started = sn_clock_mono() };
	struct sn_why why = { "" };
	unsigned started = 0;
	bool panicked = false;
	enum sn_err err;

	/* A terminal sends these to the whole group; the parent decides. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	/* While there is a random device to open. */
	json_object_seed(0);
	/* No file from here on, for this thread and those it starts. */
	if ((err = open_all(&net, start, &why)) == SN_OK &&
	    (err = sandbox_files(NULL, &why)) == SN_OK) {
		while (started < net.loop_count &&
		       loop_start(net.loops[started]) == SN_OK)
			started++;
		if (started < net.loop_count)
			err = sn_why(&why, SN_ENOMEM, "cannot start threads");
	}
	if (err == SN_OK)
		err = open_front(&net, start, &why);
	if (err == SN_OK && (err = sweeper_start(&net, &net.sweeper)) != SN_OK)
		(void)sn_why(
		    &why, err, "cannot start retention: %s", sn_err_text(err));
	if (err == SN_OK)
		err = sandbox_enter_net(&why);
	say_ready(start->ctl_fd, err, &why);
	if (err == SN_OK)
		serve_parent(&net, start->ctl_fd);
	if (net.store != NULL)
		panicked = sn_store_panicked(net.store);
	close_all(&net, started);
	if (panicked)
		return (NET_PANICKED);
	return (err == SN_OK ? 0 : 1);
}
