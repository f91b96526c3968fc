#include "ca/profile.h"

#include <stdio.h>
#include <string.h>

#include "ca/rule.h"

#define CA_DAYS_MAX 36500
#define RULE_BYTES 300 /* Of a rule in a message. */

static const char key_types[] = "p256,p384,ed25519,rsa2048,rsa3072,rsa4096";

static const struct profile builtin[] = {
	{ .name = "root",
	    .kind = KIND_ROOT,
	    .days = 7300,
	    .days_max = CA_DAYS_MAX,
	    .key = "p256",
	    .allowed_keys = "p256,p384" },
	{ .name = "issuer",
	    .kind = KIND_ISSUER,
	    .days = 1825,
	    .days_max = CA_DAYS_MAX,
	    .key = "p256",
	    .allowed_keys = "p256,p384",
	    .client_auth = true,
	    .server_auth = true },
};

const struct profile *profile_builtin(const char *name)
{
	for (size_t i = 0; i < sizeof(builtin) / sizeof(builtin[0]); i++)
		if (strcmp(builtin[i].name, name) == 0)
			return (&builtin[i]);
	return (NULL);
}

bool profile_lists(const char *list, const char *type)
{
	size_t n = strlen(type);

	for (const char *p = list; *p != '\0';) {
		size_t word = strcspn(p, ", ");

		if (word == n && strncmp(p, type, n) == 0)
			return (true);
		p += word;
		p += strspn(p, ", ");
	}
	return (false);
}

bool profile_key_known(const char *type)
{
	return (profile_lists(key_types, type));
}

enum sn_err profile_allows(
    const struct profile *profile, const struct spki *key, struct sn_why *why)
{
	if (key->type[0] == '\0')
		return (sn_why(why, SN_ECERT,
		    "a key of this type is not accepted; profile %s takes %s",
		    profile->name, profile->allowed_keys));
	if (!profile_lists(profile->allowed_keys, key->type))
		return (sn_why(why, SN_ECERT,
		    "a key of type %s is not accepted; profile %s takes %s",
		    key->type, profile->name, profile->allowed_keys));
	return (SN_OK);
}

enum sn_err profile_days(const struct profile *profile, unsigned days,
    unsigned *out, struct sn_why *why)
{
	if (days > profile->days_max)
		return (sn_why(why, SN_EDENIED,
		    "%u days are more than profile %s grants: its "
		    "validity_max is %u days",
		    days, profile->name, profile->days_max));
	*out = days > 0 ? days : profile->days;
	return (SN_OK);
}

static enum sn_err check_name(
    const struct profile *p, const char *name, struct sn_why *why)
{
	const char *missed = NULL;
	bool met = false;

	for (size_t i = 0; i < p->excluded.count; i++)
		if (rule_matches(p->excluded.items[i], name))
			return (sn_why(why, SN_EDENIED,
			    "profile %s excludes %.*s: its rule is excluded "
			    "%.100s",
			    p->name, RULE_BYTES, name, p->excluded.items[i]));
	for (size_t i = 0; i < p->permitted.count; i++) {
		met = met || rule_matches(p->permitted.items[i], name);
		if (rule_concerns(p->permitted.items[i], name))
			missed = p->permitted.items[i];
	}
	if (met || missed == NULL)
		return (SN_OK);
	return (sn_why(why, SN_EDENIED,
	    "profile %s does not permit %.*s: its rule is permitted %.100s",
	    p->name, RULE_BYTES, name, missed));
}

enum sn_err profile_names(const struct profile *profile, const char *account,
    const char *const *names, size_t count, struct sn_why *why)
{
	char name[NAME_BYTES + 16];
	enum sn_err err;

	if (account != NULL) {
		(void)snprintf(name, sizeof(name), "account:%s", account);
		return (check_name(profile, name, why));
	}
	if (count > profile->names_max)
		return (sn_why(why, SN_EDENIED,
		    "%zu names are more than profile %s grants: its names is "
		    "%llu",
		    count, profile->name,
		    (unsigned long long)profile->names_max));
	for (size_t i = 0; i < count; i++) {
		if (!profile->addresses && strncmp(names[i], "ip:", 3) == 0)
			return (sn_why(why, SN_EDENIED,
			    "profile %s takes no addresses, and %.100s is "
			    "one: its addresses is false",
			    profile->name, names[i] + 3));
		if ((err = check_name(profile, names[i], why)) != SN_OK)
			return (err);
	}
	return (SN_OK);
}
