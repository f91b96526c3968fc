#ifndef CA_SETTLE_H
#define CA_SETTLE_H

#include <stdbool.h>

#include "ca/authority.h"

/* What was done with one leftover, as a sentence. */
typedef void settle_tell(void *arg, const char *sentence);

/**
 * settle(a, tell, arg, busy, why):
 * Clear what killed commands left: serials without a certificate are
 * abandoned for ever; certificates whose files were not written are written
 * again where that is possible, and revoked where their key died with the
 * command.  Does nothing while another command is at work: *${busy}.
 */
enum sn_err settle(struct authority *a, settle_tell *tell, void *arg,
    bool *busy, struct sn_why *why) SN_MUST_USE;

/** settle_needed(a, out, why): whether there is any leftover. */
enum sn_err settle_needed(
    struct authority *a, bool *out, struct sn_why *why) SN_MUST_USE;

#endif
