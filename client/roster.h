#ifndef SN_CLIENT_ROSTER_H
#define SN_CLIENT_ROSTER_H

#include <stddef.h>

#include "lib/bytes.h"
#include "lib/err.h"
#include "lib/name.h"

/*
 * With whom there are conversations, remembered on the disk: the server
 * lists rooms, but not people.  Names and nothing else, a line each, in
 * ${dir}/conversations.
 */
#define ROSTER_MOST 500

/** roster_load(dir, arg, each): call each(arg, name) for those remembered; a
 * line that is no name is passed over.  The error of each ends it. */
enum sn_err roster_load(const char *dir, void *arg,
    enum sn_err (*each)(void *, struct sn_bytes)) SN_MUST_USE;

struct roster {
	char lines[ROSTER_MOST * (SN_NAME_MAX + 1)];
	size_t n;
	unsigned count;
};

/** roster_add(roster, name): one more name of an account; those beyond
 * ROSTER_MOST are not remembered.  An empty roster is all 0. */
void roster_add(struct roster *roster, struct sn_bytes name);

/** roster_save(dir, roster, why): these instead. */
enum sn_err roster_save(const char *dir, const struct roster *roster,
    struct sn_why *why) SN_MUST_USE;

#endif
