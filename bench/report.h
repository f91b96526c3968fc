#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "bench/histogram.h"

/* What one run found, in the order it is told: lines for people, or one
 * JSON object whose members have the same names. */
struct report {
	bool json;
	json_t *root;
};

/** report_begin(r, workload, protocol, json). */
void report_begin(
    struct report *r, const char *workload, const char *protocol, bool json);

/** report_number(r, name, value, unit): names have words with underscores. */
void report_number(
    struct report *r, const char *name, double value, const char *unit);

/** report_latency(r, h): p50, p90, p99, p99.9 and the longest, in us. */
void report_latency(struct report *r, const struct histogram *h);

/** report_drop(r): forget it. */
void report_drop(struct report *r);

/** report_end(r): say it all; whether standard output took it. */
bool report_end(struct report *r);

#endif
