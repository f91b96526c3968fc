#ifndef CA_BATCH_H
#define CA_BATCH_H

#include "ca/batch_line.h"

/* So many lines share their two transactions. */
#define BATCH_LINES 8192

/* Who signs. */
struct batch_issuer {
	struct key *signer;
	X509 *certificate;
	uint32_t id;           /* In the books. */
	struct sn_bytes chain; /* Its certificate as answers have it. */
};

/**
 * batch_issue(a, lines, count, by, why):
 * Issue for all lines without an error so far, in the order of ca/book.h,
 * but with one transaction for all that are reserved and one for all that
 * are entered.  A line is answered on its own: what is refused gets its
 * error, and the others go on.  A device whose certificate in the books has
 * the very key of the line is answered with that one, so that a batch that
 * was killed can be run again.
 *
 * On SN_OK every line has its answer, and what they tell is durable.  Else
 * nothing of these lines may leave.
 */
enum sn_err batch_issue(struct authority *a, struct batch_line *lines,
    size_t count, const struct batch_issuer *by,
    struct sn_why *why) SN_MUST_USE;

#endif
