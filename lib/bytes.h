#ifndef SN_LIB_BYTES_H
#define SN_LIB_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * What every field of every frame and record goes through is inline here, and
 * integers are written out, so that the compiler makes one load or store of
 * each.
 */

/* Bytes that belong to somebody else. */
struct sn_bytes {
	const void *p;
	size_t n;
};

/** sn_bytes_of(text): the bytes of a string, without its NUL. */
static inline struct sn_bytes sn_bytes_of(const char *text)
{
	return ((struct sn_bytes){ text, strlen(text) });
}

/** sn_bytes_equal(a, b): same length and same bytes. */
static inline bool sn_bytes_equal(struct sn_bytes a, struct sn_bytes b)
{
	return (a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0));
}

/** sn_bytes_text(b, out, size): as much of them as fits, with a NUL behind
 * it. */
void sn_bytes_text(struct sn_bytes b, char *out, size_t size);

/*
 * A reading cursor over bytes.  The first error sticks: every later get
 * returns zero, so a parser reads like its schema and looks at ${bad} once.
 */
struct sn_rd {
	const uint8_t *p;
	size_t left;
	bool bad;
};

static inline struct sn_rd sn_rd_over(const void *p, size_t n)
{
	return ((struct sn_rd){ .p = p, .left = n, .bad = false });
}

/** sn_rd_take(r, n): the next ${n} bytes in place; NULL when fewer. */
static inline const void *sn_rd_take(struct sn_rd *r, size_t n)
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

static inline uint8_t sn_rd_u8(struct sn_rd *r)
{
	const uint8_t *p = sn_rd_take(r, 1);

	return (p == NULL ? 0 : *p);
}

uint16_t sn_rd_u16(struct sn_rd *r);

static inline uint32_t sn_rd_u32(struct sn_rd *r)
{
	const uint8_t *p = sn_rd_take(r, 4);

	return (p == NULL ? 0
			  : (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
				(uint32_t)p[2] << 8 | p[3]);
}

uint64_t sn_rd_u64(struct sn_rd *r);

/** sn_rd_copy(r, out, n): the next ${n} bytes copied; zeros when fewer. */
void sn_rd_copy(struct sn_rd *r, void *out, size_t n);

/** sn_rd_blob(r): a 16-bit big-endian length, then that many bytes. */
struct sn_bytes sn_rd_blob(struct sn_rd *r);

/** sn_rd_text(r, out, size): such bytes into ${out}, which has ${size}, with a
 * NUL behind them; bad when they do not fit. */
void sn_rd_text(struct sn_rd *r, char *out, size_t size);

/** sn_rd_end(r): nothing is left over and nothing went wrong. */
static inline bool sn_rd_end(const struct sn_rd *r)
{
	return (!r->bad && r->left == 0);
}

/*
 * A writing cursor over a fixed space.  What does not fit sets ${bad} and
 * writes nothing.  Integers are big-endian.
 */
struct sn_wr {
	uint8_t *p;
	size_t cap;
	size_t n;
	bool bad;
};

static inline struct sn_wr sn_wr_over(void *p, size_t cap)
{
	return ((struct sn_wr){ .p = p, .cap = cap, .n = 0, .bad = false });
}

/** sn_wr_room(w, n): room for ${n} bytes, which count as written; NULL when
 * there is none. */
static inline uint8_t *sn_wr_room(struct sn_wr *w, size_t n)
{
	if (w->bad || n > w->cap - w->n) {
		w->bad = true;
		return (NULL);
	}
	w->n += n;
	return (w->p + w->n - n);
}

static inline void sn_wr_put(struct sn_wr *w, const void *p, size_t n)
{
	uint8_t *to = n > 0 ? sn_wr_room(w, n) : NULL;

	if (to != NULL)
		memcpy(to, p, n);
}

static inline void sn_wr_u8(struct sn_wr *w, uint8_t v)
{
	uint8_t *p = sn_wr_room(w, 1);

	if (p != NULL)
		*p = v;
}

static inline void sn_wr_u16(struct sn_wr *w, uint16_t v)
{
	uint8_t *p = sn_wr_room(w, 2);

	if (p != NULL) {
		p[0] = (uint8_t)(v >> 8);
		p[1] = (uint8_t)v;
	}
}

static inline void sn_wr_u32(struct sn_wr *w, uint32_t v)
{
	uint8_t *p = sn_wr_room(w, 4);

	if (p != NULL) {
		p[0] = (uint8_t)(v >> 24);
		p[1] = (uint8_t)(v >> 16);
		p[2] = (uint8_t)(v >> 8);
		p[3] = (uint8_t)v;
	}
}

void sn_wr_u64(struct sn_wr *w, uint64_t v);
void sn_wr_blob(struct sn_wr *w, struct sn_bytes b);

/** Hexadecimal, lower case: ${out} has 2n+1 bytes.  Returns ${out}. */
const char *sn_bytes_hex(const void *p, size_t n, char *out);

/** sn_bytes_unhex(hex, out, n): exactly ${n} bytes from 2n digits, or false. */
bool sn_bytes_unhex(const char *hex, void *out, size_t n);

#endif
