#include "lib/conf_unit.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit {
	const char *word;
	uint64_t factor;
};
static const struct unit sizes[] = { { "GiB", UINT64_C(1) << 30 },
	{ "MiB", UINT64_C(1) << 20 }, { "KiB", UINT64_C(1) << 10 },
	{ "TiB", UINT64_C(1) << 40 }, { "B", 1 }, { NULL, 0 } };
static const struct unit durations[] = { { "d", 86400000 }, { "h", 3600000 },
	{ "ms", 1 }, { "m", 60000 }, { "s", 1000 }, { NULL, 0 } };
static const struct unit plain[] = { { NULL, 0 } };

static const struct unit *units_of(enum sn_conf_type type)
{
	if (type == SN_CONF_SIZE)
		return (sizes);
	return (type == SN_CONF_DURATION ? durations : plain);
}

bool sn_conf_unit_parse(const char *text, enum sn_conf_type type, uint64_t *out)
{
	const struct unit *units = units_of(type);
	char *end;
	uint64_t v;

	if (!isdigit((unsigned char)text[0]))
		return (false);
	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno != 0)
		return (false);
	if (*end == '\0') {
		/* A duration without its unit would be a guess. */
		*out = v;
		return (units != durations || v == 0);
	}
	for (; units->word != NULL; units++) {
		if (strcmp(end, units->word) != 0)
			continue;
		return (!__builtin_mul_overflow(v, units->factor, out));
	}
	return (false);
}

const char *sn_conf_unit_show(
    uint64_t v, enum sn_conf_type type, char *out, size_t size)
{
	const struct unit *best = NULL;

	for (const struct unit *u = units_of(type); u->word != NULL; u++) {
		if (v != 0 && v % u->factor == 0 &&
		    (best == NULL || u->factor > best->factor))
			best = u;
	}
	if (best == NULL)
		(void)snprintf(out, size, "%" PRIu64, v);
	else
		(void)snprintf(
		    out, size, "%" PRIu64 "%s", v / best->factor, best->word);
	return (out);
}
