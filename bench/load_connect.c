#include "bench/load.h"

#include "bench/run.h"
#include "lib/clock.h"

/* Handshake and login, --in-flight at a time; each connection is closed with
 * a goodbye as soon as it is through, and the next person's turn comes. */
struct load_connect {
	struct run run;
	size_t next, active;
};

static void opened(struct conn *c)
{
	struct crew *crew = c->house->arg;
	struct load_connect *load = crew->load;

	run_done(&load->run, c->begun, sn_clock_mono());
	load->active--;
	conn_close(c);
}

static enum sn_err dial_next(void *arg, uint64_t now)
{
	struct load_connect *load = arg;
	struct crew *crew = load->run.crew;
	enum sn_err err = SN_OK;

	while (load->active < crew->plan->in_flight && err == SN_OK) {
		struct conn *c = &crew->conns[load->next % crew->count];

		if (c->state != CONN_CLOSED)
			break;
		c->begun = now;
		load->next++;
		load->active++;
		err = conn_dial(c, &crew->why);
	}
	return (err);
}

enum sn_err load_connect(struct crew *crew, struct report *report)
{
	struct load_connect load = { .active = 0 };
	enum sn_err err;

	run_init(&load.run, crew);
	crew->load = &load;
	crew->house.events.opened = opened;
	if ((err = crew_man(crew, crew->plan->connections, true, &crew->why)) !=
		SN_OK ||
	    (err = run_watch(&load.run, dial_next, &load)) != SN_OK)
		return (err);
	run_report(&load.run, report);
	report_latency(report, &load.run.latency);
	return (SN_OK);
}
