#include "lib/cbor.h"

#include <string.h>

#include <cbor.h>
#include <openssl/asn1.h>

/* The major types where they stand in an item's first byte, and the simple
 * values that frames have. */
enum head {
	HEAD_UINT = 0 << 5,
	HEAD_BYTES = 2 << 5,
	HEAD_TEXT = 3 << 5,
	HEAD_ARRAY = 4 << 5,
	HEAD_FALSE = 0xf4,
	HEAD_TRUE = 0xf5,
	HEAD_NULL = 0xf6,
};

/*
 * Take the head of an item that must be of this major type: its value.  RFC
 * 8949, section 3: below 24 the value stands in the first byte, at 24 to 27
 * in the 1, 2, 4 or 8 behind it, and what is above has none.
 */
static uint64_t take_head(struct sn_rd *r, unsigned major)
{
	unsigned info = sn_rd_u8(r) - major; /* Another type is above, too. */
	const uint8_t *p;
	uint64_t v = 0;
	size_t n;

	if (info < 24 && !r->bad)
		return (info);
	if (info > 27)
		r->bad = true;
	n = (size_t)1 << (info & 3);
	if ((p = sn_rd_take(r, n)) == NULL)
		return (0);
	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return (v);
}

uint64_t sn_cbor_get_array(struct sn_rd *r)
{
	return (take_head(r, HEAD_ARRAY));
}

uint64_t sn_cbor_get_uint(struct sn_rd *r)
{
	return (take_head(r, HEAD_UINT));
}

static struct sn_bytes take_string(struct sn_rd *r, unsigned major)
{
	uint64_t n = take_head(r, major);
	const void *p = sn_rd_take(r, n);

	if (p == NULL)
		return ((struct sn_bytes){ "", 0 });
	return ((struct sn_bytes){ p, n });
}

struct sn_bytes sn_cbor_get_bytes(struct sn_rd *r)
{
	return (take_string(r, HEAD_BYTES));
}

static bool is_utf8(const uint8_t *p, size_t n)
{
	for (;;) {
		unsigned long c;
		int used;

		for (; n > 0 && *p < 0x80; p++)
			n--;
		if (n == 0)
			return (true);
		used = UTF8_getc(p, n > 4 ? 4 : (int)n, &c);
		if (used <= 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
			return (false);
		p += used;
		n -= (size_t)used;
	}
}

struct sn_bytes sn_cbor_get_text(struct sn_rd *r)
{
	struct sn_bytes text = take_string(r, HEAD_TEXT);

	if (!is_utf8(text.p, text.n)) {
		r->bad = true;
		return ((struct sn_bytes){ "", 0 });
	}
	return (text);
}

bool sn_cbor_get_bool(struct sn_rd *r)
{
	uint8_t head = sn_rd_u8(r);

	if (head != HEAD_FALSE && head != HEAD_TRUE)
		r->bad = true;
	return (head == HEAD_TRUE);
}

bool sn_cbor_take_null(struct sn_rd *r)
{
	if (r->bad || r->left == 0 || r->p[0] != HEAD_NULL)
		return (false);
	(void)sn_rd_u8(r);
	return (true);
}

/*
 * What a later version may have put behind the fields we know can be of any
 * type: libcbor's decoder tells how long it is, and what it holds.
 */
enum kind { NONE, PLAIN, ARRAY, MAP, TAG, OTHER };
struct item {
	enum kind kind;
	uint64_t items; /* Of an array or a map. */
};

static void on_int8(void *arg, uint8_t v)
{
	(void)v;
	((struct item *)arg)->kind = PLAIN;
}

static void on_int16(void *arg, uint16_t v)
{
	(void)v;
	((struct item *)arg)->kind = PLAIN;
}

static void on_int32(void *arg, uint32_t v)
{
	(void)v;
	((struct item *)arg)->kind = PLAIN;
}

static void on_int64(void *arg, uint64_t v)
{
	(void)v;
	((struct item *)arg)->kind = PLAIN;
}

static void on_string(void *arg, cbor_data p, size_t n)
{
	(void)p;
	(void)n;
	((struct item *)arg)->kind = PLAIN;
}

static void on_array(void *arg, size_t n)
{
	*(struct item *)arg = (struct item){ ARRAY, n };
}

static void on_map(void *arg, size_t n)
{
	*(struct item *)arg = (struct item){ MAP, n };
}

static void on_tag(void *arg, uint64_t v)
{
	(void)v;
	((struct item *)arg)->kind = TAG;
}

static void on_float(void *arg, float v)
{
	(void)v;
	((struct item *)arg)->kind = PLAIN;
}

static void on_double(void *arg, double v)
{
	(void)v;
	((struct item *)arg)->kind = PLAIN;
}

static void on_bool(void *arg, bool v)
{
	(void)v;
	((struct item *)arg)->kind = PLAIN;
}

static void on_nothing(void *arg)
{
	((struct item *)arg)->kind = PLAIN;
}

/* Indefinite lengths keep the kind OTHER: the no-op callbacks. */
static const struct cbor_callbacks callbacks = {
	.uint8 = on_int8,
	.uint16 = on_int16,
	.uint32 = on_int32,
	.uint64 = on_int64,
	.negint64 = on_int64,
	.negint32 = on_int32,
	.negint16 = on_int16,
	.negint8 = on_int8,
	.byte_string_start = cbor_null_byte_string_start_callback,
	.byte_string = on_string,
	.string = on_string,
	.string_start = cbor_null_string_start_callback,
	.indef_array_start = cbor_null_indef_array_start_callback,
	.array_start = on_array,
	.indef_map_start = cbor_null_indef_map_start_callback,
	.map_start = on_map,
	.tag = on_tag,
	.float2 = on_float,
	.float4 = on_float,
	.float8 = on_double,
	.undefined = on_nothing,
	.null = on_nothing,
	.boolean = on_bool,
	.indef_break = cbor_null_indef_break_callback,
};

static struct item take_item(struct sn_rd *r)
{
	struct item item = { .kind = OTHER };
	struct cbor_decoder_result got;

	if (r->bad || r->left == 0)
		return ((struct item){ .kind = NONE });
	got = cbor_stream_decode(r->p, r->left, &callbacks, &item);
	if (got.status != CBOR_DECODER_FINISHED)
		return ((struct item){ .kind = NONE });
	(void)sn_rd_take(r, got.read);
	return (item);
}

static void skip(struct sn_rd *r, unsigned depth);

/* Each item takes a byte at least, so what is left bounds the loop. */
static void skip_items(struct sn_rd *r, uint64_t items, unsigned depth)
{
	if (depth == 0)
		r->bad = true;
	for (uint64_t i = 0; i < items && !r->bad; i++)
		skip(r, depth - 1);
}

static void skip(struct sn_rd *r, unsigned depth)
{
	struct item item = take_item(r);

	switch (item.kind) {
	case PLAIN:
		break;
	case ARRAY:
		skip_items(r, item.items, depth);
		break;
	case MAP:
		skip_items(r, item.items, depth);
		skip_items(r, item.items, depth);
		break;
	case TAG:
		skip_items(r, 1, depth);
		break;
	case NONE:
	case OTHER:
		r->bad = true;
		break;
	}
}

void sn_cbor_skip(struct sn_rd *r)
{
	/* The frame's own array is the first level. */
	skip(r, SN_CBOR_DEPTH - 1);
}

/* In as few bytes as hold ${v}: RFC 8949, section 4.2.1. */
static void put_head(struct sn_wr *w, unsigned major, uint64_t v)
{
	if (v < 24) {
		sn_wr_u8(w, (uint8_t)(major | v));
	} else if (v <= UINT8_MAX) {
		sn_wr_u16(w, (uint16_t)((major | 24U) << 8 | v));
	} else if (v <= UINT16_MAX) {
		sn_wr_u8(w, (uint8_t)(major | 25));
		sn_wr_u16(w, (uint16_t)v);
	} else if (v <= UINT32_MAX) {
		sn_wr_u8(w, (uint8_t)(major | 26));
		sn_wr_u32(w, (uint32_t)v);
	} else {
		sn_wr_u8(w, (uint8_t)(major | 27));
		sn_wr_u64(w, v);
	}
}

void sn_cbor_put_array(struct sn_wr *w, size_t items)
{
	put_head(w, HEAD_ARRAY, items);
}

void sn_cbor_put_uint(struct sn_wr *w, uint64_t v)
{
	put_head(w, HEAD_UINT, v);
}

void sn_cbor_put_bytes(struct sn_wr *w, struct sn_bytes b)
{
	put_head(w, HEAD_BYTES, b.n);
	sn_wr_put(w, b.p, b.n);
}

void sn_cbor_put_text(struct sn_wr *w, struct sn_bytes b)
{
	put_head(w, HEAD_TEXT, b.n);
	sn_wr_put(w, b.p, b.n);
}

void sn_cbor_put_bool(struct sn_wr *w, bool v)
{
	sn_wr_u8(w, v ? HEAD_TRUE : HEAD_FALSE);
}

void sn_cbor_put_null(struct sn_wr *w)
{
	sn_wr_u8(w, HEAD_NULL);
}
