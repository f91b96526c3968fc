#ifndef CA_CREW_H
#define CA_CREW_H

#include <stddef.h>

/**
 * crew_each(count, work, arg):
 * Call ${work} once for every number below ${count}, on as many threads as
 * it may use processors, this one among them; returns when all is done.
 * Where no thread can be had this one does it all.
 */
void crew_each(size_t count, void (*work)(void *arg, size_t i), void *arg);

#endif
