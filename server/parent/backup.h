#ifndef SERVER_PARENT_BACKUP_H
#define SERVER_PARENT_BACKUP_H

#include "server/parent/parent.h"

/*
 * A backup of a running server: {"cmd":"backup","dir":...} makes the folder,
 * has the keeper write its database into it, then has net begin with its
 * own, and answers; {"cmd":"backup.status"} says how far net is, and makes
 * the backup whole once net is done.  Only then has it its manifest.  Should nobody ask,
 * the next {"cmd":"backup"} does.
 */
json_t *backup_begin(struct parent *p, json_t *request);
json_t *backup_status(struct parent *p, json_t *request);

#endif
