#ifndef SERVER_PARENT_COMMAND_H
#define SERVER_PARENT_COMMAND_H

#include <jansson.h>

#include "server/parent/parent.h"

/** command_run(parent, request): what an administrator asks; always an
 * object. */
json_t *command_run(struct parent *parent, json_t *request);

#endif
