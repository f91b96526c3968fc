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

static uint64_t get(struct sn_rd *r, size_t n)
{
	const uint8_t *p = sn_rd_take(r, n);
	uint64_t v = 0;

	if (p == NULL)
		return (0);
	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return (v);
}

uint8_t sn_rd_u8(struct sn_rd *r)
{
	return ((uint8_t)get(r, 1));
}

uint16_t sn_rd_u16(struct sn_rd *r)
{
	return ((uint16_t)get(r, 2));
}

uint32_t sn_rd_u32(struct sn_rd *r)
{
	return ((uint32_t)get(r, 4));
}

uint64_t sn_rd_u64(struct sn_rd *r)
{
	return (get(r, 8));
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

void sn_wr_put(struct sn_wr *w, const void *p, size_t n)
{
	if (w->bad || n > w->cap - w->n) {
		w->bad = true;
		return;
	}
	if (n > 0)
		memcpy(w->p + w->n, p, n);
	w->n += n;
}

static void put(struct sn_wr *w, uint64_t v, size_t n)
{
	uint8_t b[8];

	for (size_t i = 0; i < n; i++)
		b[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
	sn_wr_put(w, b, n);
}

void sn_wr_u8(struct sn_wr *w, uint8_t v)
{
	put(w, v, 1);
}

void sn_wr_u16(struct sn_wr *w, uint16_t v)
{
	put(w, v, 2);
}

void sn_wr_u32(struct sn_wr *w, uint32_t v)
{
	put(w, v, 4);
}

void sn_wr_u64(struct sn_wr *w, uint64_t v)
{
	put(w, v, 8);
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
