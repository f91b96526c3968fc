#ifndef BENCH_METER_H
#define BENCH_METER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/err.h"

/*
 * What a server's processes have used, read from /proc: those named, and
 * all that descend from them at the time of the look.
 */
#define METER_PIDS 64

struct meter {
	pid_t roots[METER_PIDS];
	size_t count; /* Of roots; 0: nothing is measured. */
};

struct meter_reading {
	uint64_t cpu_ns;   /* utime + stime, in the kernel's ticks. */
	uint64_t rss_anon; /* Bytes; mapped files are the page cache's. */
	unsigned processes;
};

/** meter_read(m, out, why): SN_ENOTFOUND when one of them has ended. */
enum sn_err meter_read(const struct meter *m, struct meter_reading *out,
    struct sn_why *why) SN_MUST_USE;

#endif
