#include "ca/rule.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ca/host.h"
#include "lib/name.h"

/* An address or a network of them. */
struct network {
	uint8_t bytes[sizeof(struct in6_addr)];
	size_t n;
	unsigned bits;
};

#define MAPPED_BITS 96U /* Before an IPv4 address in an IPv6 one. */

static bool read_address(const char *text, struct network *out)
{
	out->n = sizeof(struct in_addr);
	if (inet_pton(AF_INET, text, out->bytes) == 1)
		return (true);
	out->n = sizeof(struct in6_addr);
	return (inet_pton(AF_INET6, text, out->bytes) == 1);
}

/* One of IPv6 that holds addresses of IPv4 is what it holds. */
static void unmap(struct network *net)
{
	static const uint8_t prefix[MAPPED_BITS / 8] = {
		[10] = 0xff, [11] = 0xff
	};

	if (net->n != sizeof(struct in6_addr) || net->bits < MAPPED_BITS ||
	    memcmp(net->bytes, prefix, sizeof(prefix)) != 0)
		return;
	memmove(
	    net->bytes, net->bytes + sizeof(prefix), sizeof(struct in_addr));
	net->n = sizeof(struct in_addr);
	net->bits -= MAPPED_BITS;
}

static bool read_network(const char *text, struct network *out)
{
	size_t n = strcspn(text, "/");
	char address[INET6_ADDRSTRLEN], *end;
	unsigned long bits;

	if (n >= sizeof(address))
		return (false);
	memcpy(address, text, n);
	address[n] = '\0';
	if (!read_address(address, out))
		return (false);
	out->bits = (unsigned)out->n * 8;
	if (text[n] == '\0') {
		unmap(out);
		return (true);
	}
	if (text[n + 1] < '0' || text[n + 1] > '9')
		return (false);
	bits = strtoul(text + n + 1, &end, 10);
	if (*end != '\0' || bits > out->bits)
		return (false);
	out->bits = (unsigned)bits;
	unmap(out);
	return (true);
}

/* Whether the first ${bits} of both are the same. */
static bool begins_alike(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned rest = bits % 8;
	size_t whole = bits / 8;

	if (memcmp(a, b, whole) != 0)
		return (false);
	return (
	    rest == 0 || (a[whole] >> (8 - rest)) == (b[whole] >> (8 - rest)));
}

static bool within(const char *rule, const char *name)
{
	struct network net, one;

	return (read_network(rule, &net) && read_network(name, &one) &&
		one.bits == one.n * 8 && net.n == one.n &&
		begins_alike(net.bytes, one.bytes, net.bits));
}

static bool below(const char *rule, const char *name)
{
	size_t n = strlen(name), m = strlen(rule);

	if (n < m || strcmp(name + n - m, rule) != 0)
		return (false);
	return (
	    n > m ? rule[0] == '.' || name[n - m - 1] == '.' : rule[0] != '.');
}

static bool begins(const char *rule, const char *name)
{
	size_t n = strlen(rule);

	if (n > 0 && rule[n - 1] == '*')
		return (strncmp(rule, name, n - 1) == 0);
	return (strcmp(rule, name) == 0);
}

static const struct {
	const char *kind;
	bool (*matches)(const char *rule, const char *name);
} kinds[] = {
	{ "dns:", below },
	{ "ip:", within },
	{ "account:", begins },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* Which kind a rule or name is of; KINDS for none. */
static size_t kind_of(const char *text)
{
	size_t i = 0;

	while (i < KINDS &&
	       strncmp(text, kinds[i].kind, strlen(kinds[i].kind)) != 0)
		i++;
	return (i);
}

static bool readable(const char *rule)
{
	char san[HOST_SAN_BYTES], account[SN_NAME_MAX + 2];
	struct network net;
	size_t n;

	if (strncmp(rule, "ip:", 3) == 0)
		return (read_network(rule + 3, &net));
	if (strncmp(rule, "dns:", 4) == 0)
		return (
		    host_san(rule + 4 + (rule[4] == '.'), san, NULL) == SN_OK &&
		    strncmp(san, "dns:", 4) == 0);
	if (strncmp(rule, "account:", 8) != 0)
		return (false);
	n = strlen(rule + 8);
	if (n == 0 || n > SN_NAME_MAX)
		return (false);
	memcpy(account, rule + 8, n + 1);
	/* What stands before the star begins a name. */
	if (account[n - 1] == '*')
		account[--n] = '\0';
	return (sn_name_account((struct sn_bytes){ account, n }));
}

enum sn_err rule_check(const char *rule, struct sn_why *why)
{
	if (readable(rule))
		return (SN_OK);
	return (sn_why(why, SN_EINVAL,
	    "\"%.80s\" is no rule about names; write dns:example.org, "
	    "ip:192.0.2.0/24, account:alice or account:bot-*",
	    rule));
}

bool rule_concerns(const char *rule, const char *name)
{
	return (kind_of(rule) < KINDS && kind_of(rule) == kind_of(name));
}

bool rule_matches(const char *rule, const char *name)
{
	size_t i = kind_of(rule), skip;

	if (!rule_concerns(rule, name))
		return (false);
	skip = strlen(kinds[i].kind);
	return (kinds[i].matches(rule + skip, name + skip));
}
