#include "lib/bytes.h"

#include <string.h>

void sn_bytes_text(struct sn_bytes b, char *out, size_t size)
{
	size_t n = b.n < size ? b.n : size - 1;

	if (n > 0)
		memcpy(out, b.p, n);
	out[n] = '\0';
}

uint16_t sn_rd_u16(struct sn_rd *r)
{
	const uint8_t *p = sn_rd_take(r, 2);

	return (p == NULL ? 0 : (uint16_t)(p[0] << 8 | p[1]));
}

uint64_t sn_rd_u64(struct sn_rd *r)
{
	const uint8_t *p = sn_rd_take(r, 8);
	struct sn_rd half = sn_rd_over(p, 8);
	uint64_t high;

	if (p == NULL)
		return (0);
	high = sn_rd_u32(&half);
	return (high << 32 | sn_rd_u32(&half));
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

void sn_rd_text(struct sn_rd *r, char *out, size_t size)
{
	struct sn_bytes b = sn_rd_blob(r);

	if (b.n >= size) {
		r->bad = true;
		b.n = 0;
	}
	memcpy(out, b.p, b.n);
	out[b.n] = '\0';
}

void sn_wr_u64(struct sn_wr *w, uint64_t v)
{
	uint8_t *p = sn_wr_room(w, 8);
	struct sn_wr half = sn_wr_over(p, 8);

	if (p == NULL)
		return;
	sn_wr_u32(&half, (uint32_t)(v >> 32));
	sn_wr_u32(&half, (uint32_t)v);
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
