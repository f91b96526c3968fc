#ifndef SERVER_NET_KNOWN_H
#define SERVER_NET_KNOWN_H

#include <stddef.h>
#include <stdint.h>

#include "lib/bytes.h"
#include "server/base/map.h"

/*
 * What names meant when the database was asked for them last, to whoever
 * asked: for one loop, which forgets all of it when that may have changed.
 * All zero knows nothing and holds no memory.
 */
#define KNOWN_MAX 4096 /* Names; the next one makes it forget the others. */

struct known {
	struct map map; /* Hash -> struct entry. */
};

/** known_get(known, of, name): what ${name} means to ${of}, until the next
 * put; or NULL. */
const void *known_get(
    const struct known *known, uint64_t of, struct sn_bytes name);

/** known_put(known, of, name, value, size): remember a copy of the ${size}
 * bytes, in place of an older one, as far as there is memory. */
void known_put(struct known *known, uint64_t of, struct sn_bytes name,
    const void *value, size_t size);

/** known_forget(known): all of it. */
void known_forget(struct known *known);

#endif
