#include "ca/policy.h"

#include <stdlib.h>
#include <string.h>

#include "ca/policy_profile.h"

#define PATH_LONGEST 4000
#define MS 1000

struct policy {
	char *control;
	uint64_t crl_life, crl_root_life, keep_old; /* ms */
	struct policy_profile *profiles;
};

#define HOUR_MS (UINT64_C(3600) * MS)
#define DAY_MS (24 * HOUR_MS)
#define AT(field) offsetof(struct policy, field)

/* clang-format off */
static const struct sn_conf_key keys[] = {
	{ "control", SN_CONF_PATH, AT(control), "", 0, PATH_LONGEST, NULL,
	    false,
	    "Control socket of the server on this machine: it is told after "
	    "each CRL\n# (--control says otherwise).  Empty: nobody is "
	    "told." },
	{ "crl_life", SN_CONF_DURATION, AT(crl_life), "7d", HOUR_MS,
	    365 * DAY_MS, NULL, false,
	    "How long a CRL is good for.  Past that servers let nobody in, so "
	    "run\n# \"sicher-ca crl publish\" well before: daily." },
	{ "crl_root_life", SN_CONF_DURATION, AT(crl_root_life), "365d",
	    DAY_MS, 3650 * DAY_MS, NULL, false,
	    "The same of the root's CRL, which needs the root's key." },
	{ "keep_old", SN_CONF_DURATION, AT(keep_old), "14d", 0, 365 * DAY_MS,
	    NULL, false,
	    "How long the old certificate is kept after a renewal, before it "
	    "is due\n# for revocation (--keep-old says otherwise)." },
};
/* clang-format on */
#define KEYS (sizeof(keys) / sizeof(keys[0]))

static enum sn_err take(
    void *arg, const char *name, void *group, struct sn_why *why)
{
	struct policy *policy = arg;

	return (policy_profile_add(&policy->profiles, name, group, why));
}

static void strip(char *text)
{
	size_t n = strlen(text);

	if (n > 0 && text[n - 1] == '\n')
		text[n - 1] = '\0';
}

static enum sn_err read_keys(
    const char *path, struct policy *policy, struct sn_why *why)
{
	struct sn_conf_report *report = calloc(1, sizeof(*report));
	enum sn_err err;

	if (report == NULL)
		return (sn_why(why, SN_ENOMEM, "out of memory"));
	if (path == NULL)
		err = sn_conf_read_text(sn_bytes_of(""), "sicher-ca.conf", keys,
		    KEYS, policy, report);
	else
		err = sn_conf_read_groups(path, keys, KEYS, policy,
		    policy_profile_groups(), take, policy, report);
	strip(report->text);
	if (err != SN_OK)
		(void)sn_why(why, err, "%s", report->text);
	free(report);
	return (err);
}

enum sn_err policy_read(
    const char *path, struct policy **out, struct sn_why *why)
{
	struct policy *policy = calloc(1, sizeof(*policy));
	enum sn_err err;

	if (policy == NULL)
		return (sn_why(why, SN_ENOMEM, "out of memory"));
	if ((err = read_keys(path, policy, why)) == SN_OK)
		err = policy_profile_defaults(&policy->profiles, why);
	if (err != SN_OK) {
		policy_free(policy);
		return (err);
	}
	*out = policy;
	return (SN_OK);
}

void policy_free(struct policy *policy)
{
	if (policy == NULL)
		return;
	policy_profile_free(policy->profiles);
	sn_conf_free(keys, KEYS, policy);
	free(policy);
}

enum sn_err policy_profile(const struct policy *policy, const char *name,
    enum record_kind kind, const struct profile **out, struct sn_why *why)
{
	const char *usual = kind == KIND_SERVER ? "server" : "client";

	*out =
	    policy_profile_find(policy->profiles, name != NULL ? name : usual);
	if (*out == NULL)
		return (sn_why(why, SN_ENOTFOUND,
		    "there is no profile \"%.64s\"; sicher-ca.conf may define "
		    "it under profiles",
		    name));
	if ((*out)->kind != kind)
		return (sn_why(why, SN_EDENIED,
		    "profile %s is for %ss, and this is to be a %s's "
		    "certificate",
		    (*out)->name, record_kind_text((*out)->kind),
		    record_kind_text(kind)));
	return (SN_OK);
}

const char *policy_control(const struct policy *policy)
{
	return (policy->control[0] != '\0' ? policy->control : NULL);
}

int64_t policy_crl_life(const struct policy *policy)
{
	return ((int64_t)(policy->crl_life / MS));
}

int64_t policy_crl_root_life(const struct policy *policy)
{
	return ((int64_t)(policy->crl_root_life / MS));
}

int64_t policy_keep_old(const struct policy *policy)
{
	return ((int64_t)(policy->keep_old / MS));
}

void policy_sample(FILE *to)
{
	(void)fputs("# sicher-ca.conf: see sicher-ca.conf(5).  Every key with "
		    "its default.\n\n",
	    to);
	sn_conf_sample(keys, KEYS, to);
	(void)fputs(
	    "\n# What certificates look like.  \"client\" is what sicher-ca "
	    "issue takes,\n# \"server\" what sicher-ca server takes; others, "
	    "under names of your choice,\n# are taken with --profile NAME.\n"
	    "profiles: {\n",
	    to);
	policy_profile_sample(to);
	(void)fputs("};\n", to);
}
