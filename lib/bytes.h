#ifndef SN_LIB_BYTES_H
#define SN_LIB_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that belong to somebody else. */
struct sn_bytes {
	const void *p;
	size_t n;
};

/** sn_bytes_of(text): the bytes of a string, without its NUL. */
struct sn_bytes sn_bytes_of(const char *text);

/** sn_bytes_equal(a, b): same length and same bytes. */
bool sn_bytes_equal(struct sn_bytes a, struct sn_bytes b);

/*
 * A reading cursor over bytes.  The first error sticks: every later get
 * returns zero, so a parser reads like its schema and looks at ${bad} once.
 */
struct sn_rd {
	const uint8_t *p;
	size_t left;
	bool bad;
};

struct sn_rd sn_rd_over(const void *p, size_t n);
uint8_t sn_rd_u8(struct sn_rd *r);
uint16_t sn_rd_u16(struct sn_rd *r);
uint32_t sn_rd_u32(struct sn_rd *r);
uint64_t sn_rd_u64(struct sn_rd *r);

/** sn_rd_take(r, n): the next ${n} bytes in place; NULL when fewer. */
const void *sn_rd_take(struct sn_rd *r, size_t n);

/** sn_rd_copy(r, out, n): the next ${n} bytes copied; zeros when fewer. */
void sn_rd_copy(struct sn_rd *r, void *out, size_t n);

/** sn_rd_blob(r): a 16-bit big-endian length, then that many bytes. */
struct sn_bytes sn_rd_blob(struct sn_rd *r);

/** sn_rd_end(r): nothing is left over and nothing went wrong. */
bool sn_rd_end(const struct sn_rd *r);

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

struct sn_wr sn_wr_over(void *p, size_t cap);
void sn_wr_u8(struct sn_wr *w, uint8_t v);
void sn_wr_u16(struct sn_wr *w, uint16_t v);
void sn_wr_u32(struct sn_wr *w, uint32_t v);
void sn_wr_u64(struct sn_wr *w, uint64_t v);
void sn_wr_put(struct sn_wr *w, const void *p, size_t n);
void sn_wr_blob(struct sn_wr *w, struct sn_bytes b);

/** Hexadecimal, lower case: ${out} has 2n+1 bytes.  Returns ${out}. */
const char *sn_bytes_hex(const void *p, size_t n, char *out);

/** sn_bytes_unhex(hex, out, n): exactly ${n} bytes from 2n digits, or false. */
bool sn_bytes_unhex(const char *hex, void *out, size_t n);

#endif
