#ifndef SN_LIB_BUF_H
#define SN_LIB_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

/*
 * A queue of bytes that grows up to a limit: appended at the end, consumed
 * at the front.  All zero but ${max} is a valid empty buffer without memory.
 */
struct sn_buf {
	uint8_t *data;
	size_t off; /* Consumed. */
	size_t len; /* Readable bytes from data + off. */
	size_t cap;
	size_t max; /* Most readable bytes it may ever hold. */
};

/** sn_buf_init(b, max): empty, holding no memory. */
void sn_buf_init(struct sn_buf *b, size_t max);

/** sn_buf_free(b): give its memory back; empty and usable afterwards. */
void sn_buf_free(struct sn_buf *b);

/**
 * sn_buf_reserve(b, n, out):
 * Make room for ${n} more bytes and point *${out} at it; sn_buf_commit says
 * how many were written.  SN_EFULL above the limit, SN_ENOMEM; on failure
 * nothing has changed.
 */
enum sn_err sn_buf_reserve(
    struct sn_buf *b, size_t n, uint8_t **out) SN_MUST_USE;
void sn_buf_commit(struct sn_buf *b, size_t n);

/** sn_buf_append(b, p, n): reserve, copy, commit. */
enum sn_err sn_buf_append(
    struct sn_buf *b, const void *p, size_t n) SN_MUST_USE;

/** sn_buf_head(b): the first readable byte. */
const uint8_t *sn_buf_head(const struct sn_buf *b);

/**
 * sn_buf_consume(b, n):
 * Drop ${n} <= len readable bytes.  An emptied buffer keeps its memory only
 * while that is small, so an idle connection costs little.
 */
void sn_buf_consume(struct sn_buf *b, size_t n);

#endif
