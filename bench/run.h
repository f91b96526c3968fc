#ifndef BENCH_RUN_H
#define BENCH_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/crew.h"
#include "bench/histogram.h"
#include "bench/report.h"

/*
 * The measured part of a workload: it is warmed up, and then watched for a
 * while.  The workload counts what is done; the run reads the meter at both
 * ends of that while.
 */
struct run {
	struct crew *crew;
	uint64_t id;   /* Of this program's run: other messages are not ours. */
	uint64_t done; /* Operations. */
	bool watched;  /* Latencies count. */
	int wait_ms;   /* How long a turn may wait; 10. */
	struct histogram latency;

	uint64_t ops, took_ns, own_cpu_ns; /* Of the while. */
	struct meter_reading before, after;
};

/* What the head of a body says. */
struct run_stamp {
	uint64_t run;
	uint64_t time; /* When it was sent, or should have been; monotonic. */
	uint64_t index;
};

/** run_init(run, crew). */
void run_init(struct run *run, struct crew *crew);

/**
 * run_watch(run, pump, arg):
 * Warm up and watch.  ${pump}, if any, is called before each turn with the
 * time.
 */
typedef enum sn_err run_pump(void *arg, uint64_t now);
enum sn_err run_watch(struct run *run, run_pump *pump, void *arg) SN_MUST_USE;

/** run_stamp(run, time, index, body): write the head of a body. */
void run_stamp(
    const struct run *run, uint64_t time, uint64_t index, uint8_t *body);

/** run_read_stamp(run, body, out): false when it is not of this run. */
bool run_read_stamp(
    const struct run *run, struct sn_bytes body, struct run_stamp *out);

/** run_done(run, since, now): one more, which took from ${since}. */
void run_done(struct run *run, uint64_t since, uint64_t now);

/** run_cpu(report, before, after, ops): the server's CPU, if it is known. */
void run_cpu(struct report *report, const struct meter_reading *before,
    const struct meter_reading *after, uint64_t ops);

/** run_report(run, report): rate, CPU, memory. */
void run_report(const struct run *run, struct report *report);

#endif
