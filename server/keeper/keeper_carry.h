#ifndef SERVER_KEEPER_KEEPER_CARRY_H
#define SERVER_KEEPER_KEEPER_CARRY_H

#include <stdint.h>

#include "lib/err.h"

/* Filled in: rows that are now as they were later, and those that a later
 * database cannot tell any more. */
struct keeper_carry {
	uint64_t carried, unreadable;
};

/**
 * keeper_carry(old, dir, c, why):
 * Where both databases have an account, and its password was changed or
 * reset in ${old}, the later one, since ${dir}'s: that password, in one
 * transaction.  SN_ECORRUPT when ${old} cannot be walked.
 */
enum sn_err keeper_carry(const char *old, const char *dir,
    struct keeper_carry *c, struct sn_why *why) SN_MUST_USE;

#endif
