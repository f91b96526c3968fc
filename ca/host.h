#ifndef CA_HOST_H
#define CA_HOST_H

#include "lib/err.h"

/** A host as a subject alternative name: "dns:..." or "ip:...", NUL and all. */
#define HOST_SAN_BYTES 260

/** host_san(host, out, why): ${host} is an IP address or a DNS name of
 * letters, digits and hyphens, without wildcard; an IPv4 address mapped into
 * IPv6 becomes the IPv4 address.  SN_EINVAL. */
enum sn_err host_san(
    const char *host, char out[HOST_SAN_BYTES], struct sn_why *why) SN_MUST_USE;

#endif
