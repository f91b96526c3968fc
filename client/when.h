#ifndef SN_CLIENT_WHEN_H
#define SN_CLIENT_WHEN_H

#include <stdbool.h>
#include <stdint.h>

/**
 * when_parse(text, now, out):
 * A point in time as people type it, in ms since 1970: "2026-11-24" (its
 * beginning, UTC), "2026-11-24T09:30:00Z", or how long before ${now}: "90s",
 * "15m", "2h", "3d".  False when it is none of them.
 */
bool when_parse(const char *text, uint64_t now, uint64_t *out);

#endif
