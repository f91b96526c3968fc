#ifndef CA_PUBLISH_H
#define CA_PUBLISH_H

#include "ca/cmd.h"
#include "ca/keyring.h"

/* Which lists are signed anew. */
enum publish_scope {
	PUBLISH_STALE, /* Those that lack something. */
	PUBLISH_ALL,   /* All of them; the root's when it is time. */
};

/* Who waits for a server to confirm. */
enum publish_wait {
	PUBLISH_CONFIRM, /* Unconfirmed is STATUS_ATTENTION. */
	PUBLISH_RENEWAL, /* Only a server that is known has to confirm. */
	PUBLISH_SILENT,  /* The same; and nobody where no list was due. */
};

/**
 * publish_lists(cmd, ring, scope, wait):
 * With the CRL lock held: sign lists, write ca.pem and crl.pem, tell the
 * server where a control socket is known, and say what came of it.
 * ${cmd}->status becomes STATUS_ATTENTION when the server did not confirm, or
 * a list could not be signed for want of its key.  A list that fails for
 * another reason keeps none of the others back: each is told, and the worst is
 * returned at the end.
 */
enum sn_err publish_lists(struct cmd *cmd, struct keyring *ring,
    enum publish_scope scope, enum publish_wait wait) SN_MUST_USE;

/** publish_highest(cmd, out): the highest number of the lists in the books
 * that are still published. */
enum sn_err publish_highest(struct cmd *cmd, uint64_t *out) SN_MUST_USE;

#endif
