#ifndef SN_CLIENT_EXPIRY_H
#define SN_CLIENT_EXPIRY_H

#include <stdint.h>

/**
 * expiry_warn(dir, not_after):
 * Tell on standard error, once each when 30, 14, 7 days and 1 day are left,
 * that the certificate ends at ${not_after} (ms since 1970).  What was told
 * is remembered in the folder ${dir}.
 */
void expiry_warn(const char *dir, uint64_t not_after);

/**
 * expiry_step(left_s): the smallest of 30, 14, 7, 1 that is not below the
 * days left; 0 when more than 30 are.
 */
unsigned expiry_step(int64_t left_s);

#endif
