#ifndef SN_CLIENT_POSITION_H
#define SN_CLIENT_POSITION_H

#include <stdint.h>

#include "lib/err.h"

/*
 * Up to which message a consumer of a profile has handed everything to its
 * user: a number in a file of its own, which belongs to one account on one
 * server and means nothing elsewhere.
 */
struct position_place {
	const char *dir; /* Of the profile. */
	const char *consumer;
	const char *host, *server, *account;
};

/** position_load(place): 0 when there is none, or it is of another place. */
uint64_t position_load(const struct position_place *place);

/**
 * position_save(place, seq, why):
 * Returns when it is on the disk.  SN_EIO, SN_ESTOREFULL; the file is then
 * as it was.
 */
enum sn_err position_save(const struct position_place *place, uint64_t seq,
    struct sn_why *why) SN_MUST_USE;

#endif
