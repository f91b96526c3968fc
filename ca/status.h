#ifndef CA_STATUS_H
#define CA_STATUS_H

#include "lib/err.h"

/* Exit statuses of sicher-ca; docs/sicher-ca.1 promises them. */
enum status {
	STATUS_OK = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
	STATUS_NOT_FOUND = 3,
	STATUS_REFUSED = 4,   /* Against the authority's policy. */
	STATUS_ATTENTION = 5, /* Done, but something is due or unconfirmed. */
	STATUS_INTEGRITY = 6, /* The books are damaged. */
};

/** status_of(err): the exit status that tells ${err}. */
enum status status_of(enum sn_err err);

#endif
