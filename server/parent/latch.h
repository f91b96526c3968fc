#ifndef SERVER_PARENT_LATCH_H
#define SERVER_PARENT_LATCH_H

#include <stdatomic.h>
#include <stdbool.h>

#include "lib/err.h"

/*
 * That a disk failed: a database it happened to is only read until the next
 * start, however often the process that has it is started.  The words are in
 * memory shared with those processes, so that no way to die forgets it.
 */
struct latch {
	atomic_int *net, *keeper;
	bool told;
};

/** latch_make(latch, why): nothing has failed yet. */
enum sn_err latch_make(struct latch *latch, struct sn_why *why) SN_MUST_USE;

/** latch_hide_keeper(latch): in this process the keeper's is not there. */
void latch_hide_keeper(struct latch *latch);

/** latch_is_set(latch): a disk has failed. */
bool latch_is_set(const struct latch *latch);

/** latch_tell(latch): an alarm when one has; once. */
void latch_tell(struct latch *latch);

#endif
