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
	EVP_PKEY *key;
	struct issued issued; /* ${issued}.issuer is borrowed. */
	uint8_t *der;
	size_t der_n;
	bool again; /* The books had it already: another run's work. */
	enum sn_err err;
	struct sn_why why;
	char *answer;
};

/**
 * batch_line_read(line, number, text, policy):
 * Fill in ${line} from {"account": ..., "csr": ...} and, if they are there,
 * "device", "days" and "profile"; the CSR is a PEM file's text.  Its own
 * signature is checked.  Any thread.
 */
void batch_line_read(struct batch_line *line, unsigned long number,
    struct sn_bytes text, const struct policy *policy);

/** batch_line_tell(line): write ${line}->answer, one line of JSON without its
 * newline: the certificate, or why there is none. */
void batch_line_tell(struct batch_line *line);

/** batch_line_clear(line): give back what it holds. */
void batch_line_clear(struct batch_line *line);

#endif
