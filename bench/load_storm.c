#include "bench/load.h"

#include "bench/run.h"
#include "lib/clock.h"

/* A network that went away and is back: all connections are cut at once, and
 * when the server has noticed, all of them return at once. */
static void cut_all(struct crew *crew)
{
	for (size_t i = 0; i < crew->count; i++)
		conn_cut(&crew->conns[i]);
	crew->open = 0;
}

enum sn_err load_storm(struct crew *crew, struct report *report)
{
	size_t n = crew->plan->connections;
	struct meter_reading calm, before, after, back;
	uint64_t begin, took;
	enum sn_err err;

	if ((err = crew_man(crew, n, true, &crew->why)) != SN_OK ||
	    (err = crew_raise(crew, 0, n, LOAD_AT_ONCE)) != SN_OK ||
	    (err = crew_settle(crew, &calm)) != SN_OK)
		return (err);
	cut_all(crew);
	if ((err = crew_settle(crew, &before)) != SN_OK)
		return (err);
	begin = sn_clock_mono();
	if ((err = crew_raise(crew, 0, n, n)) != SN_OK ||
	    (err = meter_read(&crew->plan->meter, &after, &crew->why)) != SN_OK)
		return (err);
	took = sn_clock_mono() - begin;
	if ((err = crew_settle(crew, &back)) != SN_OK)
		return (err);
	report_number(report, "connections", (double)n, "");
	report_number(report, "all_back_after", (double)took / 1e9, "s");
	report_number(report, "told_to_wait", (double)crew->house.paused,
	    "times, on their connection");
	report_number(report, "dialled_again", (double)crew->returned, "times");
	run_cpu(report, &before, &after, n);
	if (back.processes == 0)
		return (SN_OK);
	report_number(report, "server_memory_before",
	    (double)calm.rss_anon / 1024, "KiB, anonymous");
	report_number(report, "server_memory", (double)back.rss_anon / 1024,
	    "KiB, anonymous, all of them back");
	return (SN_OK);
}
