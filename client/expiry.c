#include "client/expiry.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/app.h"
#include "lib/clock.h"
#include "lib/file.h"

#define DAY 86400

unsigned expiry_step(int64_t left_s)
{
	static const unsigned steps[] = { 1, 7, 14, 30 };

	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		if (left_s <= (int64_t)steps[i] * DAY)
			return (steps[i]);
	}
	return (0);
}

/* Whether these words are what was told last; if not, they are now. */
static bool told(const char *dir, const char *words)
{
	char path[PATH_MAX], *before;
	bool same;
	size_t n;

	(void)snprintf(path, sizeof(path), "%s/expiry", dir);
	if (sn_file_read(path, 256, &before, &n, NULL) == SN_OK) {
		same = strcmp(before, words) == 0;
		free(before);
		if (same)
			return (true);
	}
	/* When it cannot be remembered, telling twice does no harm. */
	(void)!sn_file_write(path, 0600, words, strlen(words), NULL);
	return (false);
}

void expiry_warn(const char *dir, uint64_t not_after)
{
	int64_t end = (int64_t)(not_after / SN_MS_PER_S);
	int64_t left = end - sn_clock_wall_s();
	unsigned step = expiry_step(left);
	char when[SN_CLOCK_TEXT], words[64];

	if (step == 0 || not_after == 0)
		return;
	(void)snprintf(
	    words, sizeof(words), "%" PRIu64 " %u\n", not_after, step);
	if (told(dir, words))
		return;
	app_say("your certificate ends in %d days (%s); ask your "
		"administrator for a new one",
	    (int)(left / DAY), sn_clock_rfc3339(end, when));
}
