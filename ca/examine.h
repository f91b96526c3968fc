#ifndef CA_EXAMINE_H
#define CA_EXAMINE_H

#include <stdbool.h>

#include "lib/err.h"

/* A finding, as a sentence. */
typedef void examine_tell(void *arg, const char *sentence);

/**
 * examine(dir, tell, arg, whole, why):
 * Verify the books in ${dir} (ca/verify.h) in a child, which a damaged map
 * kills, and only it; what it finds goes to ${tell}.
 */
enum sn_err examine(const char *dir, examine_tell *tell, void *arg, bool *whole,
    struct sn_why *why) SN_MUST_USE;

#endif
