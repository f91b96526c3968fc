#ifndef SERVER_PARENT_MATCH_H
#define SERVER_PARENT_MATCH_H

#include <stdint.h>
#include <stdio.h>

#include "lib/err.h"

/**
 * match_data(data, to, findings, why):
 * Compare the accounts of the two databases in ${data}, in a child process,
 * beside a running server or without one: an account that the keeper has no
 * password of is a line to ${to} and counted.  (What the keeper has too much
 * a start removes.)  SN_OK when both could be read.
 */
enum sn_err match_data(const char *data, FILE *to, uint64_t *findings,
    struct sn_why *why) SN_MUST_USE;

#endif
