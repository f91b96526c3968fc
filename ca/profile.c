#include "ca/profile.h"

#include <stdio.h>
#include <string.h>

#define LEAF_KEYS "p256,p384,ed25519,rsa2048,rsa3072,rsa4096"

static const struct profile builtin[] = {
	{ "root", 7300, "p256", "p256,p384", false, false },
	{ "issuer", 1825, "p256", "p256,p384", true, true },
	{ "client", 365, "p256", LEAF_KEYS, true, false },
	{ "server", 397, "p256", LEAF_KEYS, false, true },
};

const struct profile *profile_builtin(const char *name)
{
	for (size_t i = 0; i < sizeof(builtin) / sizeof(builtin[0]); i++)
		if (strcmp(builtin[i].name, name) == 0)
			return (&builtin[i]);
	return (NULL);
}

/* The name of a key's type and size, as profiles write it; NULL: none. */
static const char *type_of(EVP_PKEY *key, char *out, size_t size)
{
	char group[32] = "";
	size_t n;

	if (EVP_PKEY_is_a(key, "ED25519"))
		return ("ed25519");
	if (EVP_PKEY_is_a(key, "RSA")) {
		(void)snprintf(out, size, "rsa%d", EVP_PKEY_get_bits(key));
		return (out);
	}
	if (!EVP_PKEY_is_a(key, "EC") ||
	    EVP_PKEY_get_group_name(key, group, sizeof(group), &n) != 1)
		return (NULL);
	if (strcmp(group, "prime256v1") == 0)
		return ("p256");
	if (strcmp(group, "secp384r1") == 0)
		return ("p384");
	(void)snprintf(out, size, "%s", group);
	return (out);
}

static bool listed(const char *list, const char *type)
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

enum sn_err profile_allows(
    const struct profile *profile, EVP_PKEY *key, struct sn_why *why)
{
	char room[48];
	const char *type = type_of(key, room, sizeof(room));

	if (type == NULL)
		return (sn_why(why, SN_ECERT,
		    "a key of this type is not accepted; profile %s takes %s",
		    profile->name, profile->allowed_keys));
	if (!listed(profile->allowed_keys, type))
		return (sn_why(why, SN_ECERT,
		    "a key of type %s is not accepted; profile %s takes %s",
		    type, profile->name, profile->allowed_keys));
	return (SN_OK);
}
