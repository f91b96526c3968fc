#include "server/base/map.h"

#include <stdlib.h>

#define FIRST_SIZE 16

static size_t home(uint64_t key, size_t size)
{
	/* Fibonacci hashing: ids are consecutive. */
	return (
	    (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 20) & (size - 1));
}

void map_free(struct map *m)
{
	free(m->slots);
	*m = (struct map){ 0 };
}

/* The slot of ${key}, or the empty one where it would go. */
static struct map_slot *find(const struct map *m, uint64_t key)
{
	size_t i = home(key, m->size);

	while (m->slots[i].key != 0 && m->slots[i].key != key)
		i = (i + 1) & (m->size - 1);
	return (&m->slots[i]);
}

void *map_get(const struct map *m, uint64_t key)
{
	struct map_slot *slot;

	if (m->size == 0 || key == 0)
		return (NULL);
	slot = find(m, key);
	return (slot->key == key ? slot->value : NULL);
}

static enum sn_err grow(struct map *m)
{
	struct map bigger = { .used = m->used };

	bigger.size = m->size == 0 ? FIRST_SIZE : 2 * m->size;
	bigger.slots = calloc(bigger.size, sizeof(*bigger.slots));
	if (bigger.slots == NULL)
		return (SN_ENOMEM);
	for (size_t i = 0; i < m->size; i++) {
		if (m->slots[i].key != 0)
			*find(&bigger, m->slots[i].key) = m->slots[i];
	}
	free(m->slots);
	*m = bigger;
	return (SN_OK);
}

enum sn_err map_put(struct map *m, uint64_t key, void *value)
{
	struct map_slot *slot = m->size > 0 ? find(m, key) : NULL;
	enum sn_err err;

	if (slot == NULL || slot->key == 0) {
		if (4 * (m->used + 1) > 3 * m->size && (err = grow(m)) != SN_OK)
			return (err);
		slot = find(m, key);
		m->used++;
	}
	*slot = (struct map_slot){ key, value };
	return (SN_OK);
}

void map_delete(struct map *m, uint64_t key)
{
	struct map_slot *slot;
	size_t hole, i;

	if (m->size == 0 || key == 0 || (slot = find(m, key))->key != key)
		return;
	m->used--;
	/* Move up what was pushed past the hole, so that it is still found. */
	hole = (size_t)(slot - m->slots);
	for (i = (hole + 1) & (m->size - 1); m->slots[i].key != 0;
	     i = (i + 1) & (m->size - 1)) {
		size_t want = home(m->slots[i].key, m->size);

		if (((i - want) & (m->size - 1)) < ((i - hole) & (m->size - 1)))
			continue;
		m->slots[hole] = m->slots[i];
		hole = i;
	}
	m->slots[hole] = (struct map_slot){ 0, NULL };
}
