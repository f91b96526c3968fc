#include "ca/policy_profile.h"

#include <stdlib.h>
#include <string.h>

#include "ca/rule.h"

#define DAY_MS (UINT64_C(86400) * 1000)
#define DAYS_MOST 36500
#define KEYS_TEXT 128
#define RULES_MOST 256
#define NAMES_MOST "64"

/* As the words of the rows below. */
enum purpose { FOR_CLIENTS, FOR_SERVERS };
static const char *const made[] = { "p256", "p384", "ed25519" };

struct group {
	int eku, key;
	uint64_t validity, validity_max; /* ms */
	struct sn_conf_list keys, permitted, excluded;
	uint64_t names;
	bool addresses;
};

struct policy_profile {
	struct policy_profile *next;
	struct group *group;
	struct profile profile;
	char name[LABEL_BYTES];
	char allowed[KEYS_TEXT];
};

#define AT(field) offsetof(struct group, field)

/* clang-format off */
static const struct sn_conf_key keys[] = {
	{ "eku", SN_CONF_WORD, AT(eku), "clientAuth", 0, 0,
	    "clientAuth|serverAuth", false,
	    "Whose they are: devices' of accounts, or servers'.  Never both: "
	    "a\n# server's certificate must not open an account." },
	{ "validity", SN_CONF_DURATION, AT(validity), "365d", DAY_MS,
	    DAYS_MOST * DAY_MS, NULL, false,
	    "How long they live, where --days says nothing." },
	{ "validity_max", SN_CONF_DURATION, AT(validity_max), "825d", DAY_MS,
	    DAYS_MOST * DAY_MS, NULL, false,
	    "The most that --days may ask for." },
	{ "key", SN_CONF_WORD, AT(key), "p256", 0, 0, "p256|p384|ed25519",
	    false,
	    "The type of the keys that are made here." },
	{ "keys", SN_CONF_LIST, AT(keys),
	    "p256,p384,ed25519,rsa2048,rsa3072,rsa4096", 1, 6, NULL, false,
	    "The types of keys that a request (CSR) may bring." },
	{ "permitted", SN_CONF_LIST, AT(permitted), "", 0, RULES_MOST, NULL,
	    false,
	    "Rules about names: \"dns:example.org\" with all below it, "
	    "\"dns:.example.org\"\n# only what is below, "
	    "\"ip:192.0.2.0/24\", \"account:bot-*\".  Where there are any\n"
	    "# for names of a kind, a name of that kind has to meet one." },
	{ "excluded", SN_CONF_LIST, AT(excluded), "", 0, RULES_MOST, NULL,
	    false,
	    "Rules of the same form: a name must not meet any." },
	{ "names", SN_CONF_INT, AT(names), NAMES_MOST, 1, 64, NULL, false,
	    "How many names a server's certificate may have." },
	{ "addresses", SN_CONF_BOOL, AT(addresses), "true", 0, 0, NULL,
	    false,
	    "Whether addresses may be among them." },
};
/* clang-format on */
#define KEYS (sizeof(keys) / sizeof(keys[0]))

const struct sn_conf_groups *policy_profile_groups(void)
{
	static const struct sn_conf_groups groups = {
		.name = "profiles",
		.keys = keys,
		.count = KEYS,
		.size = sizeof(struct group),
	};

	return (&groups);
}

static enum sn_err check_name(
    const char *name, const struct group *g, struct sn_why *why)
{
	if (strlen(name) >= LABEL_BYTES || strchr(name, '*') != NULL ||
	    profile_builtin(name) != NULL)
		return (sn_why(why, SN_ECONF,
		    "this name is not free: \"root\" and \"issuer\" are our "
		    "own CAs', and others are of at most %d letters, digits, "
		    "- and _",
		    LABEL_BYTES - 1));
	if (strcmp(name, "client") == 0 && g->eku != FOR_CLIENTS)
		return (sn_why(why, SN_ECONF,
		    "eku must be \"clientAuth\" here: sicher-ca issue takes "
		    "this profile"));
	if (strcmp(name, "server") == 0 && g->eku != FOR_SERVERS)
		return (sn_why(why, SN_ECONF,
		    "write eku = \"serverAuth\" here: sicher-ca server takes "
		    "this profile"));
	return (SN_OK);
}

static enum sn_err check_validity(const struct group *g, struct sn_why *why)
{
	if (g->validity % DAY_MS != 0 || g->validity_max % DAY_MS != 0)
		return (sn_why(why, SN_ECONF,
		    "validity and validity_max are whole days, as in "
		    "\"365d\""));
	if (g->validity > g->validity_max)
		return (sn_why(why, SN_ECONF,
		    "validity is %llud, which is above validity_max, %llud",
		    (unsigned long long)(g->validity / DAY_MS),
		    (unsigned long long)(g->validity_max / DAY_MS)));
	return (SN_OK);
}

static enum sn_err check_keys(struct policy_profile *p, struct sn_why *why)
{
	const struct sn_conf_list *list = &p->group->keys;
	size_t n = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (!profile_key_known(list->items[i]))
			return (sn_why(why, SN_ECONF,
			    "keys names \"%.40s\", which is none of p256, "
			    "p384, ed25519, rsa2048, rsa3072, rsa4096",
			    list->items[i]));
		n += (size_t)snprintf(p->allowed + n, sizeof(p->allowed) - n,
		    "%s%s", i > 0 ? "," : "", list->items[i]);
	}
	if (!profile_lists(p->allowed, made[p->group->key]))
		return (sn_why(why, SN_ECONF,
		    "key is \"%s\", which keys does not list",
		    made[p->group->key]));
	return (SN_OK);
}

static bool has(const struct sn_conf_list *list, const char *text)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], text) == 0)
			return (true);
	return (false);
}

static enum sn_err check_rules(
    const struct group *g, const struct sn_conf_list *rules, struct sn_why *why)
{
	enum sn_err err;

	for (size_t i = 0; i < rules->count; i++) {
		const char *rule = rules->items[i];
		bool account;

		if ((err = rule_check(rule, why)) != SN_OK)
			return (err);
		account = rule_concerns(rule, "account:");
		if (account != (g->eku == FOR_CLIENTS))
			return (sn_why(why, SN_ECONF,
			    "the rule %.80s touches nothing: with eku \"%s\" "
			    "the names are %s",
			    rule, account ? "serverAuth" : "clientAuth",
			    account ? "dns and ip" : "accounts"));
		if (has(&g->permitted, rule) && has(&g->excluded, rule))
			return (sn_why(why, SN_ECONF,
			    "the rule %.80s is both permitted and excluded",
			    rule));
		if (!g->addresses && rule_concerns(rule, "ip:"))
			return (sn_why(why, SN_ECONF,
			    "the rule %.80s touches nothing: addresses is "
			    "false",
			    rule));
	}
	return (SN_OK);
}

static void derive(struct policy_profile *p)
{
	const struct group *g = p->group;

	p->profile = (struct profile){
		.name = p->name,
		.kind = g->eku == FOR_SERVERS ? KIND_SERVER : KIND_CLIENT,
		.days = (unsigned)(g->validity / DAY_MS),
		.days_max = (unsigned)(g->validity_max / DAY_MS),
		.key = made[g->key],
		.allowed_keys = p->allowed,
		.client_auth = g->eku == FOR_CLIENTS,
		.server_auth = g->eku == FOR_SERVERS,
		.names_max = g->names,
		.addresses = g->addresses,
		.permitted = g->permitted,
		.excluded = g->excluded,
	};
}

enum sn_err policy_profile_add(struct policy_profile **list, const char *name,
    void *group, struct sn_why *why)
{
	struct policy_profile *p = calloc(1, sizeof(*p));
	enum sn_err err;

	if (p == NULL)
		return (sn_why(why, SN_ENOMEM, "out of memory"));
	p->group = group;
	if ((err = check_name(name, p->group, why)) != SN_OK ||
	    (err = check_validity(p->group, why)) != SN_OK ||
	    (err = check_keys(p, why)) != SN_OK ||
	    (err = check_rules(p->group, &p->group->permitted, why)) != SN_OK ||
	    (err = check_rules(p->group, &p->group->excluded, why)) != SN_OK) {
		free(p);
		return (err);
	}
	(void)snprintf(p->name, sizeof(p->name), "%s", name);
	derive(p);
	p->next = *list;
	*list = p;
	return (SN_OK);
}

static enum sn_err add_default(struct policy_profile **list, const char *name,
    const char *text, struct sn_why *why)
{
	struct sn_conf_report *report = calloc(1, sizeof(*report));
	struct group *g = calloc(1, sizeof(*g));
	enum sn_err err = sn_why(why, SN_ENOMEM, "out of memory");

	if (report == NULL || g == NULL)
		goto out;
	err = sn_conf_read_text(sn_bytes_of(text), name, keys, KEYS, g, report);
	if (err != SN_OK)
		(void)sn_why(why, err, "%s", report->text);
	else if ((err = policy_profile_add(list, name, g, why)) == SN_OK)
		g = NULL;
	else
		sn_conf_free(keys, KEYS, g);
out:
	free(g);
	free(report);
	return (err);
}

enum sn_err policy_profile_defaults(
    struct policy_profile **list, struct sn_why *why)
{
	enum sn_err err = SN_OK;

	if (policy_profile_find(*list, "client") == NULL)
		err = add_default(list, "client", "", why);
	if (err == SN_OK && policy_profile_find(*list, "server") == NULL)
		err = add_default(list, "server", "eku = \"serverAuth\";", why);
	return (err);
}

const struct profile *policy_profile_find(
    const struct policy_profile *list, const char *name)
{
	for (; list != NULL; list = list->next)
		if (strcmp(list->name, name) == 0)
			return (&list->profile);
	return (NULL);
}

void policy_profile_free(struct policy_profile *list)
{
	while (list != NULL) {
		struct policy_profile *next = list->next;

		sn_conf_free(keys, KEYS, list->group);
		free(list->group);
		free(list);
		list = next;
	}
}

void policy_profile_sample(FILE *to)
{
	(void)fputs("\tclient: {\n", to);
	sn_conf_sample_group(keys, KEYS, to);
	(void)fputs("\t};\n\tserver: {\n\t\teku = \"serverAuth\";\n\t};\n", to);
}
