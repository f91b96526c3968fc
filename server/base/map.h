#ifndef SERVER_BASE_MAP_H
#define SERVER_BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

/*
 * A table from numbers to pointers, for one thread: open addressing, at
 * most three quarters full.  The key 0 is not one.
 */
struct map_slot {
	uint64_t key;
	void *value;
};
struct map {
	struct map_slot *slots;
	size_t size; /* A power of two, or 0. */
	size_t used;
};

/** map_free(m): frees the table, not what it points to. */
void map_free(struct map *m);

/** map_get(m, key): NULL when there is none. */
void *map_get(const struct map *m, uint64_t key);

/** map_put(m, key, value): insert or replace.  SN_ENOMEM, never when the key is
 * there. */
enum sn_err map_put(struct map *m, uint64_t key, void *value) SN_MUST_USE;

/** map_delete(m, key): nothing when there is none. */
void map_delete(struct map *m, uint64_t key);

#endif
