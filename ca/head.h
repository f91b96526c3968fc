#ifndef CA_HEAD_H
#define CA_HEAD_H

#include "ca/authority.h"

/*
 * inventory/head: the end of the audit trail, written beside the books after
 * each command, as audit verify prints it.  A database that falls back by a
 * commit, as when its newest page is damaged, is whole in itself: only this
 * shows that something is missing, a certificate perhaps that has left.
 */

/** head_note(a): write it, where the trail has grown.  What cannot be written
 * is no failure: an older head says less, and nothing wrong. */
void head_note(const struct authority *a);

/** head_check(a, why): SN_ECORRUPT when the books lack what the head names, or
 * it cannot be read.  None at all is fine. */
enum sn_err head_check(
    const struct authority *a, struct sn_why *why) SN_MUST_USE;

/** head_forget(dir, why): before other books take the place of these. */
enum sn_err head_forget(const char *dir, struct sn_why *why) SN_MUST_USE;

#endif
