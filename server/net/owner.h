#ifndef SERVER_NET_OWNER_H
#define SERVER_NET_OWNER_H

#include <stdbool.h>

#include "lib/store.h"
#include "server/gate/gate.h"
#include "server/oplog/account.h"
#include "server/oplog/device.h"

/*
 * Whose a certificate is that the gate let in, as the database stands.  One
 * value leads to the account: the rule's key, or the whole subject where it
 * is mapped by hand; when both do and disagree, it is nobody's.
 */

/* Why it opens no session. */
struct owner_refusal {
	const char *code;   /* For BYE. */
	const char *text;   /* For its holder. */
	const char *reason; /* For the log. */
	const char *remedy; /* For the operator who asks why. */
};

struct owner {
	struct account account; /* Where one was found: id is not 0. */
	bool mapped;            /* By hand. */
	bool bound;             /* The certificate is a device of it. */
	const struct owner_refusal *refusal; /* NULL: it may log in. */
};

/** owner_find(txn, peer, out): decide.  Errors are the database's. */
enum sn_err owner_find(struct sn_txn *txn, const struct gate_peer *peer,
    struct owner *out) SN_MUST_USE;

#endif
