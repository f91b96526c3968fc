#ifndef CA_PROFILE_H
#define CA_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "ca/record.h"
#include "ca/spki.h"
#include "lib/conf.h"
#include "lib/err.h"

#define DAY_SECONDS INT64_C(86400)

/* What a kind of certificate looks like; the admin's choice. */
struct profile {
	const char *name;
	enum record_kind kind;
	unsigned days, days_max;
	const char *key;          /* Type of the keys we make. */
	const char *allowed_keys; /* Types a CSR may bring: "p256,rsa2048". */
	bool client_auth, server_auth;
	uint64_t names_max;                      /* Of a server's names. */
	bool addresses;                          /* They may be addresses. */
	struct sn_conf_list permitted, excluded; /* See ca/rule.h. */
};

/** profile_builtin(name): the profiles of our own CAs, which cannot be
 * configured: "root" and "issuer"; or NULL. */
const struct profile *profile_builtin(const char *name);

/** profile_key_known(type): whether there are keys of such a type. */
bool profile_key_known(const char *type);

/** profile_lists(list, word): whether a list with commas holds the word. */
bool profile_lists(const char *list, const char *word);

/** profile_allows(profile, key, why): the key's type and size. SN_ECERT. */
enum sn_err profile_allows(const struct profile *profile,
    const struct spki *key, struct sn_why *why) SN_MUST_USE;

/** profile_days(profile, days, out, why): how long a certificate lives for
 * which ${days} were asked; 0 is the profile's own.  SN_EDENIED. */
enum sn_err profile_days(const struct profile *profile, unsigned days,
    unsigned *out, struct sn_why *why) SN_MUST_USE;

/** profile_names(profile, account, names, count, why): whether its rules
 * allow the certificate's names; ${account} is NULL for servers.
 * SN_EDENIED with the rule. */
enum sn_err profile_names(const struct profile *profile, const char *account,
    const char *const *names, size_t count, struct sn_why *why) SN_MUST_USE;

#endif
