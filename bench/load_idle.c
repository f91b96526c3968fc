#include "bench/load.h"

#include "bench/run.h"

/* Connections that are logged in, follow, and say nothing: what each holds
 * in the server's memory once it has come to rest. */
enum sn_err load_idle(struct crew *crew, struct report *report)
{
	const struct plan *plan = crew->plan;
	struct meter_reading empty, full;
	size_t n = plan->connections;
	enum sn_err err;

	if ((err = crew_man(crew, n, true, &crew->why)) != SN_OK ||
	    (err = crew_settle(crew, &empty)) != SN_OK ||
	    (err = crew_raise(crew, 0, n, LOAD_AT_ONCE)) != SN_OK)
		return (err);
	for (size_t i = 0; i < n; i++)
		plan->protocol->follow(&crew->conns[i], NULL);
	if ((err = crew_await(crew, n)) != SN_OK ||
	    (err = crew_settle(crew, &full)) != SN_OK)
		return (err);
	report_number(report, "connections", (double)n, "");
	if (full.processes == 0)
		return (SN_OK);
	report_number(report, "server_memory_empty",
	    (double)empty.rss_anon / 1024, "KiB, anonymous");
	report_number(report, "server_memory", (double)full.rss_anon / 1024,
	    "KiB, anonymous");
	report_number(report, "memory_per_connection",
	    ((double)full.rss_anon - (double)empty.rss_anon) / (double)n,
	    "bytes");
	return (SN_OK);
}
