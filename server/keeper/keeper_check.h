#ifndef SERVER_KEEPER_KEEPER_CHECK_H
#define SERVER_KEEPER_KEEPER_CHECK_H

#include <stdint.h>

#include "lib/err.h"

/* A walk over the keeper's database; see oplog/db_check.h. */
struct keeper_check {
	void (*finding)(void *arg, const char *text);
	void (*at)(void *arg, const char *table);
	void *arg;
	uint64_t accounts; /* Filled in. */
};

/**
 * keeper_check(dir, check, why):
 * The checksum of each record in the database in ${dir}, which is only
 * read.  SN_OK when it came to the end, whatever it found.
 */
enum sn_err keeper_check(const char *dir, struct keeper_check *check,
    struct sn_why *why) SN_MUST_USE;

#endif
