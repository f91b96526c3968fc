#ifndef SERVER_NET_NAMES_H
#define SERVER_NET_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/bytes.h"
#include "lib/name.h"

/*
 * Which active account a name means, for one loop: what its senders asked of
 * the database lately.  Forgotten as a whole when a batch of the log changes
 * an account; until that has come an answer may be old, and the log, which
 * looks again, refuses.
 */
#define NAMES_SLOTS 256

struct names_slot {
	uint64_t account; /* 0: empty. */
	uint8_t len;
	char name[SN_NAME_MAX];
};

struct names {
	struct names_slot slots[NAMES_SLOTS];
};

/** names_get(names, name): the account's id, or 0. */
uint64_t names_get(const struct names *names, struct sn_bytes name);

/** names_put(names, name, account): remember, in place of another. */
void names_put(struct names *names, struct sn_bytes name, uint64_t account);

/** names_forget(names): all of them. */
void names_forget(struct names *names);

#endif
