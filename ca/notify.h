#ifndef CA_NOTIFY_H
#define CA_NOTIFY_H

#include "lib/err.h"

/* What the server answered. */
struct notice {
	long long crl;    /* Number of the CRL it has in force. */
	long long closed; /* Sessions it ended. */
};

/**
 * notify_server(socket, out, why):
 * Tell the server at the control socket to load the CRL anew, and wait for
 * its answer, at most 30 seconds.  As sn_ctl_open and sn_ctl_ask;
 * SN_EDENIED when it refuses.
 */
enum sn_err notify_server(
    const char *socket, struct notice *out, struct sn_why *why) SN_MUST_USE;

/** notify_in_force(socket, out, why): ask only which CRL it has in force. */
enum sn_err notify_in_force(
    const char *socket, long long *out, struct sn_why *why) SN_MUST_USE;

#endif
