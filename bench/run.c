#include "bench/run.h"

#include <string.h>
#include <time.h>

#include "lib/clock.h"

void run_init(struct run *run, struct crew *crew)
{
	memset(run, 0, sizeof(*run));
	run->crew = crew;
	run->wait_ms = 10;
	crew->load = run;
	sn_secret_random(&run->id, sizeof(run->id));
}

static uint64_t own_cpu(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return ((uint64_t)t.tv_sec * SN_NS_PER_S + (uint64_t)t.tv_nsec);
}

static enum sn_err turn_until(
    struct run *run, uint64_t end, run_pump *pump, void *arg)
{
	enum sn_err err = SN_OK;
	uint64_t now;

	while (err == SN_OK && (now = sn_clock_mono()) < end) {
		if (pump != NULL && (err = pump(arg, now)) != SN_OK)
			return (err);
		err = crew_turn(run->crew, run->wait_ms);
	}
	return (err);
}

static enum sn_err read_meter(struct run *run, struct meter_reading *out)
{
	return (meter_read(&run->crew->plan->meter, out, &run->crew->why));
}

enum sn_err run_watch(struct run *run, run_pump *pump, void *arg)
{
	const struct plan *plan = run->crew->plan;
	uint64_t begin = sn_clock_mono(), ops, cpu;
	enum sn_err err;

	if ((err = turn_until(run, begin + plan->warm_ns, pump, arg)) !=
		SN_OK ||
	    (err = read_meter(run, &run->before)) != SN_OK)
		return (err);
	begin = sn_clock_mono();
	cpu = own_cpu();
	ops = run->done;
	run->watched = true;
	if ((err = turn_until(run, begin + plan->run_ns, pump, arg)) != SN_OK ||
	    (err = read_meter(run, &run->after)) != SN_OK)
		return (err);
	run->watched = false;
	run->took_ns = sn_clock_mono() - begin;
	run->own_cpu_ns = own_cpu() - cpu;
	run->ops = run->done - ops;
	return (SN_OK);
}

void run_stamp(
    const struct run *run, uint64_t time, uint64_t index, uint8_t *body)
{
	struct sn_wr w = sn_wr_over(body, PLAN_SIZE_MIN);

	sn_wr_u64(&w, run->id);
	sn_wr_u64(&w, time);
	sn_wr_u64(&w, index);
}

bool run_read_stamp(
    const struct run *run, struct sn_bytes body, struct run_stamp *out)
{
	struct sn_rd r = sn_rd_over(body.p, body.n);

	out->run = sn_rd_u64(&r);
	out->time = sn_rd_u64(&r);
	out->index = sn_rd_u64(&r);
	return (!r.bad && out->run == run->id);
}

void run_done(struct run *run, uint64_t since, uint64_t now)
{
	run->done++;
	if (run->watched)
		histogram_add(&run->latency, now > since ? now - since : 0);
}

void run_cpu(struct report *report, const struct meter_reading *before,
    const struct meter_reading *after, uint64_t ops)
{
	if (after->processes == 0 || ops == 0)
		return;
	report_number(report, "server_cpu_per_operation",
	    (double)(after->cpu_ns - before->cpu_ns) / 1e3 / (double)ops, "us");
}

void run_report(const struct run *run, struct report *report)
{
	double seconds = (double)run->took_ns / 1e9;

	report_number(report, "operations", (double)run->ops, "");
	report_number(report, "rate", (double)run->ops / seconds, "a second");
	run_cpu(report, &run->before, &run->after, run->ops);
	if (run->after.processes > 0) {
		report_number(report, "server_cpu",
		    (double)(run->after.cpu_ns - run->before.cpu_ns) * 100 /
			(double)run->took_ns,
		    "% of a core");
		report_number(report, "server_memory",
		    (double)run->after.rss_anon / 1024, "KiB, anonymous");
	}
	report_number(report, "own_cpu",
	    (double)run->own_cpu_ns * 100 / (double)run->took_ns,
	    "% of a core");
}
