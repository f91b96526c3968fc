#ifndef SERVER_PARENT_CHILDREN_H
#define SERVER_PARENT_CHILDREN_H

#include "server/parent/parent.h"

/*
 * Keeper and net together: what each is started with, and the channels
 * between them.
 */

/** children_start(parent, why): both; returns when they are connected and
 * agree about who has an account. */
enum sn_err children_start(
    struct parent *parent, struct sn_why *why) SN_MUST_USE;

/** children_start_again(parent, child, why): one of them, which has been
 * reaped; the channels between the two are new. */
enum sn_err children_start_again(
    struct parent *parent, struct child *child, struct sn_why *why) SN_MUST_USE;

/** children_stop(parent): ask them to leave, net first, so that logins in
 * flight still find the keeper; returns when both are gone. */
void children_stop(struct parent *parent);

#endif
