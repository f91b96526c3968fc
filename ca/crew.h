#ifndef CA_CREW_H
#define CA_CREW_H

#include <stddef.h>

/* No more threads than these work at once. */
#define CREW_MAX 64

/** crew_size(): how many threads it would be, at most. */
size_t crew_size(void);

/**
 * crew_each(count, work, arg):
 * Call ${work} once for every number ${i} below ${count}, on as many threads
 * as it may use processors, this one among them; returns when all is done.
 * ${member}, below CREW_MAX, says which of the threads it is, for tools that
 * each of them has for itself.  Where no thread can be had this one does it
 * all.
 */
void crew_each(size_t count, void (*work)(void *arg, size_t i, unsigned member),
    void *arg);

#endif
