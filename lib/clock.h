#ifndef SN_LIB_CLOCK_H
#define SN_LIB_CLOCK_H

#include <stdint.h>

/*
 * Timers run on the monotonic clock; wall time is for display, certificate
 * validity and the stamps of messages.
 */

#define SN_NS_PER_S UINT64_C(1000000000)
#define SN_NS_PER_MS UINT64_C(1000000)
#define SN_MS_PER_S UINT64_C(1000)

/** sn_clock_mono(): nanoseconds of CLOCK_MONOTONIC. */
uint64_t sn_clock_mono(void);

/** sn_clock_mono_ms(): the same in whole milliseconds. */
uint64_t sn_clock_mono_ms(void);

/** sn_clock_wall_ms(): milliseconds since 1970-01-01 UTC. */
uint64_t sn_clock_wall_ms(void);

/** sn_clock_wall_s(): seconds since 1970-01-01 UTC. */
int64_t sn_clock_wall_s(void);

/** Room for a time as sn_clock_rfc3339 writes it, the NUL included. */
#define SN_CLOCK_TEXT 32

/**
 * sn_clock_rfc3339(seconds, out):
 * Write ${seconds} since 1970 as "2026-11-24T09:30:00Z" (RFC 3339, section
 * 5.6) into ${out}, which has SN_CLOCK_TEXT bytes; returns ${out}.
 */
const char *sn_clock_rfc3339(int64_t seconds, char *out);

#endif
