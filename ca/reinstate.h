#ifndef CA_REINSTATE_H
#define CA_REINSTATE_H

#include "ca/authority.h"

/**
 * reinstate(dir, restored, why):
 * Put restored books, which lie in a folder beside (${restored}->dir), in the
 * place of those of the authority in ${dir}, on which nobody is at work.
 * Keys and rules are added where they are missing, and stay where they are
 * not.  The books that were there are kept beside, as data.mdb.before-TIME.
 * Then ${restored}->dir is ${dir}.  Cut short before its last step, nothing
 * has changed but that keys were added.
 */
enum sn_err reinstate(const char *dir, struct authority *restored,
    struct sn_why *why) SN_MUST_USE;

#endif
