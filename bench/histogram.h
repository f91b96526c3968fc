#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

/*
 * How often each duration was met, in buckets that are never wider than a
 * 64th of what they hold; from a nanosecond to 18 minutes, above which all
 * count as the longest.
 */
#define HISTOGRAM_FINE 64
#define HISTOGRAM_POWERS 35
#define HISTOGRAM_BUCKETS (HISTOGRAM_FINE * HISTOGRAM_POWERS)

struct histogram {
	uint64_t count;
	uint64_t max;
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

/** histogram_clear(h): nothing met. */
void histogram_clear(struct histogram *h);

/** histogram_add(h, ns): met once more. */
void histogram_add(struct histogram *h, uint64_t ns);

/**
 * histogram_at(h, share):
 * The duration that ${share} (0 to 1) of those met do not exceed, at most a
 * 64th too long; 0 when none was met.  histogram_at(h, 1) is the longest.
 */
uint64_t histogram_at(const struct histogram *h, double share);

#endif
