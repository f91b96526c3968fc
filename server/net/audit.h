#ifndef SERVER_NET_AUDIT_H
#define SERVER_NET_AUDIT_H

#include "lib/log.h"

struct sess;

/**
 * audit(s, level, event, reason):
 * The one line about an admission, a refusal or an expulsion: account,
 * device, subject, serial, issuer and address of ${s}, as far as they are
 * known, and ${reason}, a text of ours.  docs/SECURITY.md has the table.
 */
void audit(const struct sess *s, enum sn_level level, const char *event,
    const char *reason);

/**
 * audit_limited(s, event, reason):
 * The same for what one client can cause as often as it likes; what was left
 * out is counted in the next line.
 */
void audit_limited(const struct sess *s, const char *event, const char *reason);

#endif
