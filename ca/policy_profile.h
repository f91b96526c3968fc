#ifndef CA_POLICY_PROFILE_H
#define CA_POLICY_PROFILE_H

#include <stdio.h>

#include "ca/profile.h"

/* The profiles of a policy: a list that begins as NULL. */
struct policy_profile;

/** policy_profile_groups(): how they are read from "profiles". */
const struct sn_conf_groups *policy_profile_groups(void);

/** policy_profile_add(list, name, group, why): one that has been read; takes
 * ${group} on success.  SN_ECONF when its values contradict each other. */
enum sn_err policy_profile_add(struct policy_profile **list, const char *name,
    void *group, struct sn_why *why) SN_MUST_USE;

/** policy_profile_defaults(list, why): "client" and "server", where the file
 * has none of that name. */
enum sn_err policy_profile_defaults(
    struct policy_profile **list, struct sn_why *why) SN_MUST_USE;

/** policy_profile_find(list, name): or NULL. */
const struct profile *policy_profile_find(
    const struct policy_profile *list, const char *name);

void policy_profile_free(struct policy_profile *list);

/** policy_profile_sample(to): the predefined ones, as in a file. */
void policy_profile_sample(FILE *to);

#endif
