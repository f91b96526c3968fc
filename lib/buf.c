#include "lib/buf.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_BYTES 1024
#define KEEP_BYTES 4096

void sn_buf_init(struct sn_buf *b, size_t max)
{
	*b = (struct sn_buf){ .max = max };
}

void sn_buf_free(struct sn_buf *b)
{
	free(b->data);
	sn_buf_init(b, b->max);
}

static enum sn_err grow(struct sn_buf *b, size_t need)
{
	size_t cap = b->cap < FIRST_BYTES ? FIRST_BYTES : b->cap;
	uint8_t *data;

	while (cap < need)
		cap *= 2;
	if ((data = malloc(cap)) == NULL)
		return (SN_ENOMEM);
	if (b->len > 0)
		memcpy(data, b->data + b->off, b->len);
	free(b->data);
	b->data = data;
	b->cap = cap;
	b->off = 0;
	return (SN_OK);
}

enum sn_err sn_buf_reserve(struct sn_buf *b, size_t n, uint8_t **out)
{
	enum sn_err err;

	if (n > b->max - b->len)
		return (SN_EFULL);
	if (b->cap - b->off - b->len < n) {
		/* Move down rather than grow while that frees enough. */
		if (b->cap - b->len >= n && b->off >= b->len) {
			memmove(b->data, b->data + b->off, b->len);
			b->off = 0;
		} else if ((err = grow(b, b->len + n)) != SN_OK) {
			return (err);
		}
	}
	*out = b->data + b->off + b->len;
	return (SN_OK);
}

void sn_buf_commit(struct sn_buf *b, size_t n)
{
	b->len += n;
}

enum sn_err sn_buf_append(struct sn_buf *b, const void *p, size_t n)
{
	enum sn_err err;
	uint8_t *to;

	if (n == 0)
		return (SN_OK);
	if ((err = sn_buf_reserve(b, n, &to)) != SN_OK)
		return (err);
	memcpy(to, p, n);
	sn_buf_commit(b, n);
	return (SN_OK);
}

const uint8_t *sn_buf_head(const struct sn_buf *b)
{
	return (b->data + b->off);
}

void sn_buf_consume(struct sn_buf *b, size_t n)
{
	b->off += n;
	b->len -= n;
	if (b->len > 0)
		return;
	b->off = 0;
	if (b->cap > KEEP_BYTES)
		sn_buf_free(b);
}
