#include "bench/histogram.h"

#include <string.h>

/* Below HISTOGRAM_FINE each value has its bucket; above, each power of two
 * has HISTOGRAM_FINE of equal width. */
static unsigned bucket_of(uint64_t ns)
{
	unsigned power = 0;

	while (ns >> power >= 2 * HISTOGRAM_FINE)
		power++;
	if (ns < HISTOGRAM_FINE)
		return ((unsigned)ns);
	if (power + 1 >= HISTOGRAM_POWERS)
		return (HISTOGRAM_BUCKETS - 1);
	return ((power + 1) * HISTOGRAM_FINE +
		(unsigned)(ns >> power) % HISTOGRAM_FINE);
}

/* The longest duration that belongs into bucket ${i}. */
static uint64_t longest_in(unsigned i)
{
	unsigned power = i / HISTOGRAM_FINE;
	uint64_t within = i % HISTOGRAM_FINE;

	if (power == 0)
		return (within);
	return (((HISTOGRAM_FINE + within + 1) << (power - 1)) - 1);
}

void histogram_clear(struct histogram *h)
{
	memset(h, 0, sizeof(*h));
}

void histogram_add(struct histogram *h, uint64_t ns)
{
	h->count++;
	h->buckets[bucket_of(ns)]++;
	if (ns > h->max)
		h->max = ns;
}

uint64_t histogram_at(const struct histogram *h, double share)
{
	uint64_t wanted = (uint64_t)(share * (double)h->count + 0.5);
	uint64_t seen = 0, longest;

	if (wanted == 0)
		wanted = 1;
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS - 1; i++) {
		seen += h->buckets[i];
		if (seen < wanted)
			continue;
		longest = longest_in(i);
		return (longest < h->max ? longest : h->max);
	}
	return (h->max);
}
