#include "ca/host.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define DNS_MAX 253
#define DNS_LABEL_MAX 63

/* An IPv4 address that is written as one of IPv6 becomes what it is, so that
 * rules about it cannot be walked around. */
static bool read_address(const char *host, char out[INET6_ADDRSTRLEN])
{
	struct in6_addr raw;

	if (inet_pton(AF_INET, host, &raw) == 1 ||
	    (inet_pton(AF_INET6, host, &raw) == 1 &&
		!IN6_IS_ADDR_V4MAPPED(&raw))) {
		(void)snprintf(out, INET6_ADDRSTRLEN, "%s", host);
		return (true);
	}
	return (inet_pton(AF_INET6, host, &raw) == 1 &&
		inet_ntop(AF_INET, &raw.s6_addr[12], out, INET6_ADDRSTRLEN) !=
		    NULL);
}

static bool is_label(const char *p, size_t n)
{
	if (n == 0 || n > DNS_LABEL_MAX || p[0] == '-' || p[n - 1] == '-')
		return (false);
	for (size_t i = 0; i < n; i++)
		if (!(p[i] >= 'a' && p[i] <= 'z') &&
		    !(p[i] >= '0' && p[i] <= '9') && p[i] != '-')
			return (false);
	return (true);
}

static bool is_dns(const char *host)
{
	bool last_is_number = false;

	if (strlen(host) > DNS_MAX)
		return (false);
	for (const char *p = host;; p++) {
		size_t n = strcspn(p, ".");

		if (!is_label(p, n))
			return (false);
		last_is_number = strspn(p, "0123456789") == n;
		p += n;
		if (*p == '\0')
			return (!last_is_number);
	}
}

enum sn_err host_san(
    const char *host, char out[HOST_SAN_BYTES], struct sn_why *why)
{
	char address[INET6_ADDRSTRLEN];

	if (read_address(host, address))
		(void)snprintf(out, HOST_SAN_BYTES, "ip:%s", address);
	else if (is_dns(host))
		(void)snprintf(out, HOST_SAN_BYTES, "dns:%s", host);
	else
		return (sn_why(why, SN_EINVAL,
		    "\"%.64s\" is no host: write a DNS name in lower case, or "
		    "an address",
		    host));
	return (SN_OK);
}
