#ifndef SERVER_PARENT_CHECK_H
#define SERVER_PARENT_CHECK_H

#include <stdint.h>
#include <stdio.h>

#include "lib/err.h"

/**
 * check_data(data, to, findings, why):
 * Walk the two databases in ${data}, each in a child process with the
 * rights of its folder's owner, beside a running server or without one.
 * What is wrong is written to ${to}, a line each, and counted; a child that
 * the damage kills is such a finding.  SN_OK when the walk could be made.
 */
enum sn_err check_data(const char *data, FILE *to, uint64_t *findings,
    struct sn_why *why) SN_MUST_USE;

/** check_become_owner(path, why): root gives its rights up for those of the
 * owner of ${path}; others stay who they are. */
enum sn_err check_become_owner(
    const char *path, struct sn_why *why) SN_MUST_USE;

#endif
