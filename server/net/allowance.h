#ifndef SERVER_NET_ALLOWANCE_H
#define SERVER_NET_ALLOWANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"

struct loop;
struct sess;

/*
 * What one account may have and do, however many sessions it does it with:
 * how many sessions there are, and how fast frames and signals come from all
 * of them together.  Any thread.
 *
 * A session takes the account's tokens in lots, small ones at first and
 * larger ones the more it sends, up to a hundredth of a second's worth.  So a
 * frame costs no lock and no memory that other loops write to, and what a
 * silent session holds is nothing that the others miss.  Where there is
 * none left, a lot is taken of those that are still to come, behind those
 * that others wait for: each session of the account gets its turn.
 */
struct allowance;         /* Of all accounts. */
struct allowance_account; /* Of one. */

/* What a session holds of one of its account's rates. */
struct allowance_share {
	unsigned tokens, lot; /* It may use; how many it took last. */
	uint64_t from;        /* And may do so from then on, monotonic. */
	uint64_t cost;        /* Of a token, in time. */
};

enum sn_err allowance_new(struct allowance **out) SN_MUST_USE;
void allowance_free(struct allowance *a);

/**
 * allowance_enter(s):
 * A session is about to be ready.  Above limits.sessions_per_account it comes
 * in as surplus (s->surplus), to take another's place; SN_ELIMIT when as many
 * of those wait as the account may have sessions.  SN_ENOMEM.
 */
enum sn_err allowance_enter(struct sess *s) SN_MUST_USE;

/** allowance_settle(s): a surplus session has taken over another's consumer,
 * and counts in its place. */
void allowance_settle(struct sess *s);

/** allowance_leave(s): it is ending; nothing when it never came in. */
void allowance_leave(struct sess *s);

/** allowance_end(s): a surplus session did something else: BYE "limit". */
void allowance_end(struct sess *s);

/** allowance_frame(s): whether a frame may be acted on now. */
bool allowance_frame(struct sess *s);

/** allowance_signal(s): whether a signal may be passed on. */
bool allowance_signal(struct sess *s);

#endif
