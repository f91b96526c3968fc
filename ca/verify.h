#ifndef CA_VERIFY_H
#define CA_VERIFY_H

#include <stdint.h>

#include "lib/err.h"
#include "lib/store.h"

/* A finding, as a sentence. */
typedef void verify_tell(void *arg, const char *sentence);

/**
 * verify_books(store, tell, arg, rows):
 * Walk every row of every table: seals, indexes both ways, counts, the
 * audit chain.  Each finding goes to ${tell}; *${rows} is what was walked.
 * A damaged map may fault the process: call it in a child.
 */
void verify_books(
    struct sn_store *store, verify_tell *tell, void *arg, uint64_t *rows);

#endif
