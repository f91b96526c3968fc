#include "bench/load.h"

#include "bench/run.h"
#include "lib/clock.h"

/*
 * Receivers that are away: each connection sends to a person of its own who
 * is not there.  A message is done when the server says that it is kept.
 */
struct load_durable {
	struct run run;
	const uint8_t *body;
};

static void send_one(struct load_durable *load, struct conn *c)
{
	const struct plan *plan = load->run.crew->plan;
	struct post post = { .to = c->partner->person->name,
		.number = c->partner->number,
		.body = { load->body, plan->size } };

	/* The oldest in flight is always the next to be acknowledged; with
	 * one in flight the latency is exact. */
	if (c->sent++ == c->stored)
		c->begun = sn_clock_mono();
	plan->protocol->publish(c, &post);
}

static void stored(struct conn *c)
{
	struct crew *crew = c->house->arg;
	struct load_durable *load = crew->load;
	uint64_t now = sn_clock_mono();

	run_done(&load->run, c->begun, now);
	c->begun = now;
	send_one(load, c);
}

static void close_all(struct crew *crew, size_t from)
{
	for (size_t i = from; i < crew->count; i++)
		conn_close(&crew->conns[i]);
}

/* The senders, and their receivers, who come once where they must, so that
 * the server knows them. */
static enum sn_err part(struct crew *crew, size_t n)
{
	const struct protocol *protocol = crew->plan->protocol;
	enum sn_err err;

	if ((err = crew_man(crew, 2 * n, false, &crew->why)) != SN_OK)
		return (err);
	for (size_t i = 0; i < n; i++)
		crew->conns[i].partner = &crew->conns[n + i];
	if (protocol->keep != NULL) {
		if ((err = crew_raise(crew, n, 2 * n, LOAD_AT_ONCE)) != SN_OK)
			return (err);
		for (size_t i = n; i < 2 * n; i++)
			protocol->keep(&crew->conns[i]);
		if ((err = crew_await(crew, n)) != SN_OK)
			return (err);
		close_all(crew, n);
	}
	return (crew_raise(crew, 0, n, LOAD_AT_ONCE));
}

enum sn_err load_durable(struct crew *crew, struct report *report)
{
	static const uint8_t body[PLAN_SIZE_MAX];
	struct load_durable load = { .body = body };
	enum sn_err err;

	run_init(&load.run, crew);
	crew->load = &load;
	crew->house.durable = true;
	crew->house.events.stored = stored;
	if ((err = part(crew, crew->plan->connections)) != SN_OK)
		return (err);
	for (size_t i = 0; i < crew->plan->connections; i++) {
		for (size_t k = 0; k < crew->plan->in_flight; k++)
			send_one(&load, &crew->conns[i]);
	}
	if ((err = run_watch(&load.run, NULL, NULL)) != SN_OK)
		return (err);
	run_report(&load.run, report);
	if (crew->plan->in_flight == 1)
		report_latency(report, &load.run.latency);
	return (SN_OK);
}
