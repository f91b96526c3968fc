#include "server/net/names.h"

#include <string.h>

/* FNV-1a; whoever finds two names of one slot makes them a little slower. */
static size_t slot_of(struct sn_bytes name)
{
	const uint8_t *p = name.p;
	uint32_t h = 2166136261U;

	for (size_t i = 0; i < name.n; i++)
		h = (h ^ p[i]) * 16777619U;
	return (h % NAMES_SLOTS);
}

uint64_t names_get(const struct names *names, struct sn_bytes name)
{
	const struct names_slot *slot = &names->slots[slot_of(name)];

	if (slot->account == 0 ||
	    !sn_bytes_equal(name, (struct sn_bytes){ slot->name, slot->len }))
		return (0);
	return (slot->account);
}

void names_put(struct names *names, struct sn_bytes name, uint64_t account)
{
	struct names_slot *slot = &names->slots[slot_of(name)];

	if (name.n == 0 || name.n > sizeof(slot->name))
		return;
	slot->account = account;
	slot->len = (uint8_t)name.n;
	memcpy(slot->name, name.p, name.n);
}

void names_forget(struct names *names)
{
	memset(names, 0, sizeof(*names));
}
