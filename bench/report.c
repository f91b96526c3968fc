#include "bench/report.h"

#include <stdio.h>

void report_begin(
    struct report *r, const char *workload, const char *protocol, bool json)
{
	r->json = json;
	r->root = json_object();
	(void)json_object_set_new(r->root, "workload", json_string(workload));
	(void)json_object_set_new(r->root, "protocol", json_string(protocol));
	if (!json)
		(void)printf("%s, %s\n", workload, protocol);
}

void report_number(
    struct report *r, const char *name, double value, const char *unit)
{
	bool whole = value >= 1000 || value == (double)(int64_t)value;

	(void)json_object_set_new(r->root, name, json_real(value));
	if (!r->json)
		(void)printf(
		    "  %-26s %12.*f %s\n", name, whole ? 0 : 2, value, unit);
}

void report_latency(struct report *r, const struct histogram *h)
{
	static const struct {
		const char *name;
		double share;
	} points[] = {
		{ "latency_p50", 0.5 },
		{ "latency_p90", 0.9 },
		{ "latency_p99", 0.99 },
		{ "latency_p999", 0.999 },
		{ "latency_max", 1 },
	};

	for (size_t i = 0; i < sizeof(points) / sizeof(*points); i++)
		report_number(r, points[i].name,
		    (double)histogram_at(h, points[i].share) / 1e3, "us");
}

void report_drop(struct report *r)
{
	json_decref(r->root);
	r->root = NULL;
}

bool report_end(struct report *r)
{
	if (r->json) {
		(void)json_dumpf(r->root, stdout, JSON_COMPACT);
		(void)putchar('\n');
	}
	report_drop(r);
	return (fflush(stdout) == 0);
}
