#include "bench/load.h"

#include <stdlib.h>

#include "bench/run.h"
#include "lib/clock.h"

/*
 * One sender and a room: the first connection sends, the others are members.
 * An operation is a delivery; a message is in flight until all have it.
 */
#define ROOM "bench"

struct load_fanout {
	struct run run;
	size_t members;
	uint64_t oldest;  /* The first that somebody still lacks. */
	uint64_t *counts; /* Of those in flight: how many have it. */
	uint8_t body[PLAN_SIZE_MAX];
};

static struct load_fanout *load_of(struct conn *c)
{
	struct crew *crew = c->house->arg;

	return (crew->load);
}

static void refill(struct load_fanout *load)
{
	const struct plan *plan = load->run.crew->plan;
	struct conn *sender = &load->run.crew->conns[0];
	struct post post = {
		.to = ROOM, .room = true, .body = { load->body, plan->size }
	};

	while (sender->sent - load->oldest < plan->in_flight) {
		load->counts[sender->sent % plan->in_flight] = 0;
		run_stamp(
		    &load->run, sn_clock_mono(), sender->sent++, load->body);
		plan->protocol->publish(sender, &post);
	}
}

static void received(struct conn *c, struct sn_bytes body)
{
	struct load_fanout *load = load_of(c);
	size_t window = load->run.crew->plan->in_flight;
	struct conn *sender = &load->run.crew->conns[0];
	struct run_stamp stamp;

	if (c == sender || !run_read_stamp(&load->run, body, &stamp))
		return;
	run_done(&load->run, stamp.time, sn_clock_mono());
	load->counts[stamp.index % window]++;
	while (load->oldest < sender->sent &&
	       load->counts[load->oldest % window] == load->members)
		load->oldest++;
	refill(load);
}

static enum sn_err gather(struct load_fanout *load)
{
	struct crew *crew = load->run.crew;
	const struct protocol *protocol = crew->plan->protocol;
	size_t n = load->members, made = protocol->found != NULL;
	enum sn_err err;

	if ((err = crew_man(crew, n + 1, false, &crew->why)) != SN_OK ||
	    (err = crew_raise(crew, 0, n + 1, LOAD_AT_ONCE)) != SN_OK)
		return (err);
	if (made > 0) {
		protocol->found(&crew->conns[0], ROOM);
		if ((err = crew_await(crew, made)) != SN_OK)
			return (err);
	}
	for (size_t i = 1; i <= n; i++)
		protocol->follow(&crew->conns[i], ROOM);
	if ((err = crew_await(crew, made + n)) != SN_OK ||
	    !crew->plan->durable || protocol->keep == NULL)
		return (err);
	protocol->keep(&crew->conns[1]);
	return (crew_await(crew, made + n + 1));
}

static enum sn_err run_fanout(struct load_fanout *load, struct report *report)
{
	struct crew *crew = load->run.crew;
	enum sn_err err;

	if ((err = gather(load)) != SN_OK)
		return (err);
	refill(load);
	if ((err = run_watch(&load->run, NULL, NULL)) != SN_OK)
		return (err);
	report_number(report, "members", (double)load->members, "");
	report_number(
	    report, "messages", (double)crew->conns[0].sent, "in all");
	run_report(&load->run, report);
	report_latency(report, &load->run.latency);
	return (SN_OK);
}

enum sn_err load_fanout(struct crew *crew, struct report *report)
{
	const struct plan *plan = crew->plan;
	struct load_fanout *load;
	enum sn_err err = SN_ENOMEM;

	if (!plan->durable && !plan->protocol->lossy_rooms)
		return (sn_why(&crew->why, SN_EINVAL,
		    "%s keeps what is sent to rooms: say --durable",
		    plan->protocol->name));
	if ((load = calloc(1, sizeof(*load))) == NULL ||
	    (load->counts = calloc(plan->in_flight, sizeof(*load->counts))) ==
		NULL) {
		free(load);
		return (sn_why(&crew->why, SN_ENOMEM, "out of memory"));
	}
	run_init(&load->run, crew);
	load->members = plan->connections;
	crew->load = load;
	crew->house.events.received = received;
	err = run_fanout(load, report);
	free(load->counts);
	free(load);
	return (err);
}
