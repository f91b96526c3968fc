#ifndef CA_BATCH_LINE_H
#define CA_BATCH_LINE_H

#include "ca/issue.h"
#include "ca/policy.h"
#include "ca/request.h"

/* A line holds one CSR, escaped as JSON does, and a little more. */
#define BATCH_LINE_MAX (2 * REQUEST_MAX)

/*
 * One line of a batch, from what is asked to what is answered.  ${err} is
 * the first thing that went wrong with it; then it goes no further.
 */
struct batch_line {
	unsigned long number; /* From 1. */
	char account[NAME_BYTES], label[LABEL_BYTES];
	struct order order;
	struct spki key;
	struct record rec;
	uint8_t *der; /* The certificate. */
	size_t der_n;
	bool again; /* The books had it already: another run's work. */
	enum sn_err err;
	struct sn_why why;
	char *chain; /* Its issuer's certificate, where that is another. */
	size_t chain_n;
	char *answer; /* With its newline. */
	size_t answer_n;
};

/**
 * batch_line_read(line, number, text, policy, p256):
 * Fill in ${line} from {"account": ..., "csr": ...} and, if they are there,
 * "device", "days" and "profile"; the CSR is a PEM file's text.  Its own
 * signature is checked, which ${p256} is worked with.  Any thread.
 */
void batch_line_read(struct batch_line *line, unsigned long number,
    struct sn_bytes text, const struct policy *policy, struct p256 *p256);

/** batch_line_tell(line, chain): write ${line}->answer, one line of JSON: the
 * certificate, with ${chain} or its own behind it in its member "pem"
 * (batch_line_pem), or why there is none.  NULL without memory. */
void batch_line_tell(struct batch_line *line, struct sn_bytes chain);

/** batch_line_pem(der, n): a certificate's PEM as JSON writes it between
 * quotes, ${n} bytes of it; malloc'd, NULL without memory. */
char *batch_line_pem(struct sn_bytes der, size_t *n);

/** batch_line_clear(line): give back what it holds. */
void batch_line_clear(struct batch_line *line);

#endif
