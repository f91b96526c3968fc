#include "bench/load.h"

#include <stdlib.h>

#include "bench/run.h"
#include "lib/clock.h"

/*
 * Pairs: the first half of the connections sends, each to its partner in the
 * second half.  A message is done when its receiver has it and, where it is
 * durable, its sender has the acknowledgement.
 */
struct load_direct {
	struct run run;
	size_t pairs;
	uint64_t begun, issued; /* At a fixed rate: from when, how many. */
	uint8_t body[PLAN_SIZE_MAX];
};

static struct load_direct *load_of(struct conn *c)
{
	struct crew *crew = c->house->arg;

	return (crew->load);
}

static void send_one(
    struct load_direct *load, struct conn *sender, uint64_t when)
{
	const struct plan *plan = load->run.crew->plan;
	struct post post = { .to = sender->partner->person->name,
		.number = sender->partner->number,
		.body = { load->body, plan->size } };

	run_stamp(&load->run, when, sender->sent++, load->body);
	plan->protocol->publish(sender, &post);
}

static uint64_t done_of(const struct load_direct *load, const struct conn *c)
{
	uint64_t received = c->partner->received;

	if (!load->run.crew->plan->durable || c->stored > received)
		return (received);
	return (c->stored);
}

static void refill(struct load_direct *load, struct conn *sender)
{
	const struct plan *plan = load->run.crew->plan;

	if (plan->rate > 0)
		return;
	while (sender->sent - done_of(load, sender) < plan->in_flight)
		send_one(load, sender, sn_clock_mono());
}

static void received(struct conn *c, struct sn_bytes body)
{
	struct load_direct *load = load_of(c);
	struct run_stamp stamp;

	if (!run_read_stamp(&load->run, body, &stamp)) {
		c->received--; /* Left over from an earlier run. */
		return;
	}
	run_done(&load->run, stamp.time, sn_clock_mono());
	refill(load, c->partner);
}

static void stored(struct conn *c)
{
	struct load_direct *load = load_of(c);

	if (load->run.crew->plan->durable)
		refill(load, c);
}

/* What is due by now goes out with the time at which it was due. */
static enum sn_err send_due(void *arg, uint64_t now)
{
	struct load_direct *load = arg;
	struct crew *crew = load->run.crew;
	uint64_t rate = crew->plan->rate, when;

	for (;;) {
		when = load->begun + load->issued * SN_NS_PER_S / rate;
		if (when > now)
			return (SN_OK);
		send_one(load, &crew->conns[load->issued % load->pairs], when);
		load->issued++;
	}
}

/* What the protocol needs before messages of this kind can be sent. */
static enum sn_err prepare(struct load_direct *load)
{
	struct crew *crew = load->run.crew;
	const struct protocol *protocol = crew->plan->protocol;
	bool durable = crew->plan->durable;
	size_t n = load->pairs, ready = crew->ready + n;

	if ((durable ? protocol->keep == NULL : protocol->meet == NULL))
		return (SN_OK);
	for (size_t i = 0; i < n; i++) {
		struct conn *sender = &crew->conns[i];

		if (durable)
			protocol->keep(sender->partner);
		else
			protocol->meet(sender, sender->partner->person->name);
	}
	return (crew_await(crew, ready));
}

static enum sn_err pair_up(struct load_direct *load)
{
	struct crew *crew = load->run.crew;
	size_t n = load->pairs;
	enum sn_err err;

	if ((err = crew_man(crew, 2 * n, false, &crew->why)) != SN_OK ||
	    (err = crew_raise(crew, 0, 2 * n, LOAD_AT_ONCE)) != SN_OK)
		return (err);
	for (size_t i = 0; i < n; i++) {
		crew->conns[i].partner = &crew->conns[n + i];
		crew->conns[n + i].partner = &crew->conns[i];
		crew->plan->protocol->follow(&crew->conns[n + i], NULL);
	}
	if ((err = crew_await(crew, n)) != SN_OK)
		return (err);
	return (prepare(load));
}

static enum sn_err run_direct(struct load_direct *load, struct report *report)
{
	struct crew *crew = load->run.crew;
	bool paced = crew->plan->rate > 0;
	enum sn_err err;

	if ((err = pair_up(load)) != SN_OK)
		return (err);
	load->begun = sn_clock_mono();
	load->run.wait_ms = paced ? 0 : 10;
	for (size_t i = 0; i < load->pairs; i++)
		refill(load, &crew->conns[i]);
	err = run_watch(&load->run, paced ? send_due : NULL, load);
	if (err != SN_OK)
		return (err);
	run_report(&load->run, report);
	report_latency(report, &load->run.latency);
	return (SN_OK);
}

enum sn_err load_direct(struct crew *crew, struct report *report)
{
	const struct plan *plan = crew->plan;
	struct load_direct *load;
	enum sn_err err;

	if (!plan->durable && plan->protocol->lossy_max > 0 &&
	    plan->size > plan->protocol->lossy_max)
		return (sn_why(&crew->why, SN_EINVAL,
		    "what %s does not keep has %zu bytes at most: say "
		    "--durable, or another --size",
		    plan->protocol->name, plan->protocol->lossy_max));
	if (plan->connections < 2)
		return (sn_why(&crew->why, SN_EINVAL,
		    "direct needs two connections at least"));
	if ((load = calloc(1, sizeof(*load))) == NULL)
		return (sn_why(&crew->why, SN_ENOMEM, "out of memory"));
	run_init(&load->run, crew);
	load->pairs = plan->connections / 2;
	crew->load = load;
	crew->house.events.received = received;
	crew->house.events.stored = stored;
	err = run_direct(load, report);
	free(load);
	return (err);
}
