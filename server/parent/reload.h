#ifndef SERVER_PARENT_RELOAD_H
#define SERVER_PARENT_RELOAD_H

#include <jansson.h>

#include "server/parent/parent.h"

/**
 * reload_run(parent):
 * Read configuration and files anew, check all of it, and hand it to keeper
 * and net.  What fails leaves everything as it was.  The answer to whoever
 * asked: "crl", the number of the list in force, and "closed", the sessions
 * that this ended.
 */
json_t *reload_run(struct parent *parent);

#endif
