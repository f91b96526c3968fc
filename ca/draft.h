#ifndef CA_DRAFT_H
#define CA_DRAFT_H

#include "ca/authority.h"

/*
 * A folder that is made beside, and appears in one step.  A killed command
 * leaves its draft behind, DIR.new-0123456789abcdef; the next one that makes
 * a draft for DIR removes it.
 */
struct draft {
	const char *dir; /* What it is for. */
	char path[PATH_MAX];
	int lock; /* On the folder above: one draft there at a time. */
};

/** draft_begin(dir, out, why): waits for others at work in the folder above,
 * removes what they left, and chooses a path; nothing is there yet. */
enum sn_err draft_begin(
    const char *dir, struct draft *out, struct sn_why *why) SN_MUST_USE;

/** draft_appear(d, why): it gets its name.  SN_EEXISTS. */
enum sn_err draft_appear(struct draft *d, struct sn_why *why) SN_MUST_USE;

/** draft_end(d): remove what has not appeared. */
void draft_end(struct draft *d);

/** draft_sweep(dir): remove what killed commands left for ${dir}, unless one
 * is at work; returns how many. */
unsigned draft_sweep(const char *dir);

#endif
