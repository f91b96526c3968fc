#ifndef SERVER_NET_VISIBLE_H
#define SERVER_NET_VISIBLE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/bytes.h"
#include "lib/store.h"
#include "server/oplog/account.h"

/*
 * Who may know of an account whether it is there and which devices it has:
 * whoever shares a room or a conversation with it, everybody, or itself
 * alone.  The words of account.visible, in its order.
 */
enum visible_to { VISIBLE_ROOMS, VISIBLE_ALL, VISIBLE_SELF };

/**
 * visible_account(txn, viewer, name, to, out):
 * The account of that name, if ${viewer} may know of it; SN_ENOTFOUND.
 */
enum sn_err visible_account(struct sn_txn *txn, uint64_t viewer,
    struct sn_bytes name, enum visible_to to, struct account *out) SN_MUST_USE;

#define VIEWERS_MOST 512

struct viewers {
	size_t count;
	uint64_t ids[VIEWERS_MOST];
};

/**
 * visible_viewers(txn, account, to, small, out):
 * Who is told by itself: itself, and unless ${to} forbids it those it shares
 * a conversation or a room of at most ${small} members with, each once, as
 * many as there is room for.
 */
enum sn_err visible_viewers(struct sn_txn *txn, uint64_t account,
    enum visible_to to, uint64_t small, struct viewers *out) SN_MUST_USE;

#endif
