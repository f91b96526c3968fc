#include "lib/name.h"

static bool is_alnum(uint8_t c)
{
	return ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'));
}

static bool is_name(const uint8_t *p, size_t n, size_t max)
{
	if (n == 0 || n > max || !is_alnum(p[0]))
		return (false);
	for (size_t i = 1; i < n; i++) {
		if (!is_alnum(p[i]) && p[i] != '.' && p[i] != '_' &&
		    p[i] != '-')
			return (false);
	}
	return (true);
}

bool sn_name_account(struct sn_bytes name)
{
	return (is_name(name.p, name.n, SN_NAME_MAX));
}

bool sn_name_room(struct sn_bytes name)
{
	const uint8_t *p = name.p;

	return (name.n > 0 && p[0] == '#' &&
		is_name(p + 1, name.n - 1, SN_NAME_MAX));
}

bool sn_name_consumer(struct sn_bytes name)
{
	return (is_name(name.p, name.n, SN_NAME_CONSUMER_MAX));
}
