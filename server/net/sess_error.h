#ifndef SERVER_NET_SESS_ERROR_H
#define SERVER_NET_SESS_ERROR_H

#include <stdint.h>

#include "lib/err.h"

struct sess;

/** sess_error(s, ref, code, text): an ERROR frame; ${ref} NULL for null. */
void sess_error(
    struct sess *s, const uint64_t *ref, const char *code, const char *text);

/** sess_error_retry: the same with retry_ms. */
void sess_error_retry(struct sess *s, const uint64_t *ref, const char *code,
    const char *text, uint64_t retry_ms);

/** sess_error_of(s, ref, err): the ERROR that tells of a failed request. */
void sess_error_of(struct sess *s, uint64_t ref, enum sn_err err);

#endif
