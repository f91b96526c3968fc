#include "client/when.h"

#include <string.h>
#include <time.h>

#include "lib/clock.h"

static bool date(const char *text, uint64_t *out)
{
	static const char *const forms[] = { "%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ" };

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		struct tm tm = { 0 };
		const char *end = strptime(text, forms[i], &tm);
		time_t t;

		if (end == NULL || *end != '\0')
			continue;
		if ((t = timegm(&tm)) < 0)
			return (false);
		*out = (uint64_t)t * SN_MS_PER_S;
		return (true);
	}
	return (false);
}

static bool ago(const char *text, uint64_t now, uint64_t *out)
{
	static const char units[] = "smhd";
	static const uint64_t seconds[] = { 1, 60, 3600, 86400 };
	size_t digits = strspn(text, "0123456789");
	const char *unit;
	uint64_t n = 0;

	/* Nine digits of days are longer than time has been counted. */
	if (digits == 0 || digits > 9 || text[digits] == '\0' ||
	    text[digits + 1] != '\0' ||
	    (unit = strchr(units, text[digits])) == NULL)
		return (false);
	for (size_t i = 0; i < digits; i++)
		n = 10 * n + (uint64_t)(text[i] - '0');
	n *= seconds[unit - units] * SN_MS_PER_S;
	*out = n < now ? now - n : 0;
	return (true);
}

bool when_parse(const char *text, uint64_t now, uint64_t *out)
{
	return (ago(text, now, out) || date(text, out));
}
