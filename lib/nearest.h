#ifndef SN_LIB_NEAREST_H
#define SN_LIB_NEAREST_H

#include <stddef.h>

/**
 * sn_nearest_distance(a, b): how many letters to change, add or drop to
 * turn one word into the other (Levenshtein); for "did you mean".
 */
size_t sn_nearest_distance(const char *a, const char *b);

/** sn_nearest_limit(word): a distance from which on words are not near. */
size_t sn_nearest_limit(const char *word);

#endif
