#ifndef CA_POLICY_H
#define CA_POLICY_H

#include <stdio.h>

#include "ca/profile.h"

/*
 * What the admin has laid down in sicher-ca.conf (sicher-ca.conf.5): how long
 * CRLs live, whom to tell of them, and the profiles of leaves.
 */
struct policy;

/** policy_read(path, out, why): from a file; with ${path} NULL the defaults.
 * SN_ECONF with all that is wrong, a line each; SN_ENOTFOUND. */
enum sn_err policy_read(
    const char *path, struct policy **out, struct sn_why *why) SN_MUST_USE;

/** policy_free(policy): NULL is fine. */
void policy_free(struct policy *policy);

/** policy_profile(policy, name, kind, out, why): the profile of that name
 * for such certificates; with ${name} NULL the predefined one.  It lives as
 * long as ${policy}.  SN_ENOTFOUND, SN_EDENIED when it is for others. */
enum sn_err policy_profile(const struct policy *policy, const char *name,
    enum record_kind kind, const struct profile **out,
    struct sn_why *why) SN_MUST_USE;

/** policy_control(policy): the server's control socket, or NULL. */
const char *policy_control(const struct policy *policy);

/** Seconds that CRLs of issuing CAs and of the root are good for, and that
 * a renewed certificate is kept. */
int64_t policy_crl_life(const struct policy *policy);
int64_t policy_crl_root_life(const struct policy *policy);
int64_t policy_keep_old(const struct policy *policy);

/** policy_sample(to): a commented sample of the defaults. */
void policy_sample(FILE *to);

#endif
