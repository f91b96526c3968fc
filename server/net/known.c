#include "server/net/known.h"

#include <stdlib.h>
#include <string.h>

/* Whoever finds another's hash takes its place, and does not get at it. */
struct entry {
	uint64_t of;
	size_t size, n;
	uint64_t bytes[]; /* The value, and the name behind it. */
};

static const uint8_t *name_of(const struct entry *e)
{
	return ((const uint8_t *)e->bytes + e->size);
}

/* FNV-1a. */
static uint64_t key_of(uint64_t of, struct sn_bytes name)
{
	const uint8_t *p = name.p;
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ of;

	for (size_t i = 0; i < name.n; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return (h | 1); /* 0 is no key of a map. */
}

const void *known_get(
    const struct known *known, uint64_t of, struct sn_bytes name)
{
	const struct entry *e = map_get(&known->map, key_of(of, name));

	if (e == NULL || e->of != of ||
	    !sn_bytes_equal(name, (struct sn_bytes){ name_of(e), e->n }))
		return (NULL);
	return (e->bytes);
}

void known_put(struct known *known, uint64_t of, struct sn_bytes name,
    const void *value, size_t size)
{
	uint64_t key = key_of(of, name);
	struct entry *e, *old;

	if (known->map.used >= KNOWN_MAX)
		known_forget(known);
	if ((e = malloc(sizeof(*e) + size + name.n)) == NULL)
		return;
	*e = (struct entry){ of, size, name.n };
	memcpy(e->bytes, value, size);
	if (name.n > 0)
		memcpy((uint8_t *)e->bytes + size, name.p, name.n);
	old = map_get(&known->map, key);
	if (map_put(&known->map, key, e) == SN_OK)
		free(old);
	else
		free(e);
}

void known_forget(struct known *known)
{
	for (size_t i = 0; i < known->map.size; i++)
		free(known->map.slots[i].value);
	map_free(&known->map);
}
