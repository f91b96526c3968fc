#include "lib/bytes.h"

#include <string.h>

struct sn_bytes sn_bytes_of(const char *text)
{
	return ((struct sn_bytes){ text, strlen(text) });
}

bool sn_bytes_equal(struct sn_bytes a, struct sn_bytes b)
{
	return (a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0));
}

struct sn_rd sn_rd_over(const void *p, size_t n)
{
	return ((struct sn_rd){ .p = p, .left = n, .bad = false });
}

const void *sn_rd_take(struct sn_rd *r, size_t n)
{
	const void *p = r->p;

	if (r->bad || n > r->left) {
		r->bad = true;
		return (NULL);
	}
	r->p += n;
	r->left -= n;
	return (p);
}

/* Written out, so that the compiler makes one load of each. */

static uint32_t get_u32(const uint8_t *p)
{
	return ((uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
		(uint32_t)p[2] << 8 | p[3]);
}

uint8_t sn_rd_u8(struct sn_rd *r)
{
	const uint8_t *p = sn_rd_take(r, 1);

	return (p == NULL ? 0 : *p);
}

uint16_t sn_rd_u16(struct sn_rd *r)
{
	const uint8_t *p = sn_rd_take(r, 2);

	return (p == NULL ? 0 : (uint16_t)(p[0] << 8 | p[1]));
}

uint32_t sn_rd_u32(struct sn_rd *r)
{
	const uint8_t *p = sn_rd_take(r, 4);

	return (p == NULL ? 0 : get_u32(p));
}

uint64_t sn_rd_u64(struct sn_rd *r)
{
	const uint8_t *p = sn_rd_take(r, 8);

	return (p == NULL ? 0 : (uint64_t)get_u32(p) << 32 | get_u32(p + 4));
}

void sn_rd_copy(struct sn_rd *r, void *out, size_t n)
{
	const void *p = sn_rd_take(r, n);

	if (p == NULL)
		memset(out, 0, n);
	else
		memcpy(out, p, n);
}

struct sn_bytes sn_rd_blob(struct sn_rd *r)
{
	size_t n = sn_rd_u16(r);
	const void *p = sn_rd_take(r, n);

	if (p == NULL)
		return ((struct sn_bytes){ "", 0 });
	return ((struct sn_bytes){ p, n });
}

bool sn_rd_end(const struct sn_rd *r)
{
	return (!r->bad && r->left == 0);
}

struct sn_wr sn_wr_over(void *p, size_t cap)
{
	return ((struct sn_wr){ .p = p, .cap = cap, .n = 0, .bad = false });
}

/* Room for ${n} bytes, which are written; NULL when there is none. */
static uint8_t *room(struct sn_wr *w, size_t n)
{
	if (w->bad || n > w->cap - w->n) {
		w->bad = true;
		return (NULL);
	}
	w->n += n;
	return (w->p + w->n - n);
}

void sn_wr_put(struct sn_wr *w, const void *p, size_t n)
{
	uint8_t *to = n > 0 ? room(w, n) : NULL;

	if (to != NULL)
		memcpy(to, p, n);
}

static void put_u32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

void sn_wr_u8(struct sn_wr *w, uint8_t v)
{
	uint8_t *p = room(w, 1);

	if (p != NULL)
		*p = v;
}

void sn_wr_u16(struct sn_wr *w, uint16_t v)
{
	uint8_t *p = room(w, 2);

	if (p != NULL) {
		p[0] = (uint8_t)(v >> 8);
		p[1] = (uint8_t)v;
	}
}

void sn_wr_u32(struct sn_wr *w, uint32_t v)
{
	uint8_t *p = room(w, 4);

	if (p != NULL)
		put_u32(p, v);
}

void sn_wr_u64(struct sn_wr *w, uint64_t v)
{
	uint8_t *p = room(w, 8);

	if (p != NULL) {
		put_u32(p, (uint32_t)(v >> 32));
		put_u32(p + 4, (uint32_t)v);
	}
}

void sn_wr_blob(struct sn_wr *w, struct sn_bytes b)
{
	if (b.n > UINT16_MAX) {
		w->bad = true;
		return;
	}
	sn_wr_u16(w, (uint16_t)b.n);
	sn_wr_put(w, b.p, b.n);
}

const char *sn_bytes_hex(const void *p, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[b[i] >> 4];
		out[2 * i + 1] = digits[b[i] & 15];
	}
	out[2 * n] = '\0';
	return (out);
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return (c - '0');
	if (c >= 'a' && c <= 'f')
		return (c - 'a' + 10);
	if (c >= 'A' && c <= 'F')
		return (c - 'A' + 10);
	return (-1);
}

bool sn_bytes_unhex(const char *hex, void *out, size_t n)
{
	uint8_t *b = out;

	if (strlen(hex) != 2 * n)
		return (false);
	for (size_t i = 0; i < n; i++) {
		int hi = digit(hex[2 * i]), lo = digit(hex[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return (false);
		b[i] = (uint8_t)(hi << 4 | lo);
	}
	return (true);
}
