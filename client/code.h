#ifndef SN_CLIENT_CODE_H
#define SN_CLIENT_CODE_H

#include <stdbool.h>

#include "lib/bytes.h"
#include "lib/err.h"

/* The codes of docs/PROTOCOL.md, section 9, and what they mean here. */
struct code {
	const char *code;
	enum sn_err err;
	int status; /* Of a program that ends by it; sysexits(3). */
	bool comes; /* The connection may be made again at once. */
	const char *text;
};

/**
 * code_find(code):
 * Its row; for a code nobody knows one that says so.
 */
const struct code *code_find(struct sn_bytes code);

/**
 * code_why(code, text, why):
 * The sentence for a person, with what to do next; the server's ${text}
 * where we have none.  Returns the error.
 */
enum sn_err code_why(
    struct sn_bytes code, struct sn_bytes text, struct sn_why *why);

/**
 * code_status(code, err):
 * The exit status for an end by ${code} ("" when it was none) with ${err}.
 */
int code_status(const char *code, enum sn_err err);

#endif
