#include "lib/clock.h"

#include <stdlib.h>
#include <time.h>

static void now(clockid_t which, struct timespec *ts)
{
	/* Neither clock can fail on Linux; going on with garbage is worse. */
	if (clock_gettime(which, ts) != 0)
		abort();
}

uint64_t sn_clock_mono(void)
{
	struct timespec ts;

	now(CLOCK_MONOTONIC, &ts);
	return ((uint64_t)ts.tv_sec * SN_NS_PER_S + (uint64_t)ts.tv_nsec);
}

uint64_t sn_clock_mono_ms(void)
{
	return (sn_clock_mono() / SN_NS_PER_MS);
}

uint64_t sn_clock_wall_ms(void)
{
	struct timespec ts;

	now(CLOCK_REALTIME, &ts);
	return ((uint64_t)ts.tv_sec * SN_MS_PER_S +
		(uint64_t)ts.tv_nsec / SN_NS_PER_MS);
}

int64_t sn_clock_wall_s(void)
{
	struct timespec ts;

	now(CLOCK_REALTIME, &ts);
	return ((int64_t)ts.tv_sec);
}

const char *sn_clock_rfc3339(int64_t seconds, char *out)
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(out, SN_CLOCK_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		out[0] = '\0';
	return (out);
}
