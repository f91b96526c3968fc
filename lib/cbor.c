#include "lib/cbor.h"

#include <string.h>

#include <cbor.h>
#include <openssl/asn1.h>

/* The head of an item, as the streaming decoder tells it. */
enum kind { NONE, UINT, BYTES, TEXT, ARRAY, BOOL, NIL, MAP, TAG, PLAIN, OTHER };
struct token {
	enum kind kind;
	uint64_t value;
	const uint8_t *p;
};

static void set(void *arg, enum kind kind, uint64_t value, const uint8_t *p)
{
	struct token *t = arg;

	t->kind = kind;
	t->value = value;
	t->p = p;
}

static void on_uint8(void *arg, uint8_t v)
{
	set(arg, UINT, v, NULL);
}

static void on_uint16(void *arg, uint16_t v)
{
	set(arg, UINT, v, NULL);
}

static void on_uint32(void *arg, uint32_t v)
{
	set(arg, UINT, v, NULL);
}

static void on_uint64(void *arg, uint64_t v)
{
	set(arg, UINT, v, NULL);
}

static void on_bytes(void *arg, cbor_data p, size_t n)
{
	set(arg, BYTES, n, p);
}

static void on_text(void *arg, cbor_data p, size_t n)
{
	set(arg, TEXT, n, p);
}

static void on_array(void *arg, size_t n)
{
	set(arg, ARRAY, n, NULL);
}

static void on_bool(void *arg, bool v)
{
	set(arg, BOOL, v, NULL);
}

static void on_null(void *arg)
{
	set(arg, NIL, 0, NULL);
}

/* What our frames do not hold, but a later version's may. */
static void on_map(void *arg, size_t n)
{
	set(arg, MAP, n, NULL);
}

static void on_tag(void *arg, uint64_t v)
{
	set(arg, TAG, v, NULL);
}

static void on_negint8(void *arg, uint8_t v)
{
	set(arg, PLAIN, v, NULL);
}

static void on_negint16(void *arg, uint16_t v)
{
	set(arg, PLAIN, v, NULL);
}

static void on_negint32(void *arg, uint32_t v)
{
	set(arg, PLAIN, v, NULL);
}

static void on_negint64(void *arg, uint64_t v)
{
	set(arg, PLAIN, v, NULL);
}

static void on_float(void *arg, float v)
{
	(void)v;
	set(arg, PLAIN, 0, NULL);
}

static void on_double(void *arg, double v)
{
	(void)v;
	set(arg, PLAIN, 0, NULL);
}

static void on_undefined(void *arg)
{
	set(arg, PLAIN, 0, NULL);
}

/* Indefinite lengths keep the kind OTHER: the no-op callbacks. */
static const struct cbor_callbacks callbacks = {
	.uint8 = on_uint8,
	.uint16 = on_uint16,
	.uint32 = on_uint32,
	.uint64 = on_uint64,
	.negint64 = on_negint64,
	.negint32 = on_negint32,
	.negint16 = on_negint16,
	.negint8 = on_negint8,
	.byte_string_start = cbor_null_byte_string_start_callback,
	.byte_string = on_bytes,
	.string = on_text,
	.string_start = cbor_null_string_start_callback,
	.indef_array_start = cbor_null_indef_array_start_callback,
	.array_start = on_array,
	.indef_map_start = cbor_null_indef_map_start_callback,
	.map_start = on_map,
	.tag = on_tag,
	.float2 = on_float,
	.float4 = on_float,
	.float8 = on_double,
	.undefined = on_undefined,
	.null = on_null,
	.boolean = on_bool,
	.indef_break = cbor_null_indef_break_callback,
};

/* One item's head, without moving the cursor; its size in *${n}. */
static struct token peek(const struct sn_rd *r, size_t *n)
{
	struct token t = { .kind = OTHER };
	struct cbor_decoder_result got;

	*n = 0;
	if (r->bad || r->left == 0)
		return ((struct token){ .kind = NONE });
	got = cbor_stream_decode(r->p, r->left, &callbacks, &t);
	if (got.status != CBOR_DECODER_FINISHED)
		return ((struct token){ .kind = NONE });
	*n = got.read;
	return (t);
}

static struct token take(struct sn_rd *r, enum kind kind)
{
	size_t n;
	struct token t = peek(r, &n);

	if (t.kind != kind) {
		r->bad = true;
		return ((struct token){ .kind = NONE });
	}
	(void)sn_rd_take(r, n);
	return (t);
}

uint64_t sn_cbor_get_array(struct sn_rd *r)
{
	return (take(r, ARRAY).value);
}

uint64_t sn_cbor_get_uint(struct sn_rd *r)
{
	return (take(r, UINT).value);
}

struct sn_bytes sn_cbor_get_bytes(struct sn_rd *r)
{
	struct token t = take(r, BYTES);

	return (
	    (struct sn_bytes){ t.p != NULL ? t.p : (const void *)"", t.value });
}

static bool is_utf8(const uint8_t *p, size_t n)
{
	while (n > 0) {
		unsigned long c;
		int used;

		if (*p < 0x80) {
			p++;
			n--;
			continue;
		}
		used = UTF8_getc(p, n > 4 ? 4 : (int)n, &c);
		if (used <= 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
			return (false);
		p += used;
		n -= (size_t)used;
	}
	return (true);
}

struct sn_bytes sn_cbor_get_text(struct sn_rd *r)
{
	struct token t = take(r, TEXT);

	if (t.p == NULL)
		return ((struct sn_bytes){ "", 0 });
	if (!is_utf8(t.p, t.value)) {
		r->bad = true;
		return ((struct sn_bytes){ "", 0 });
	}
	return ((struct sn_bytes){ t.p, t.value });
}

bool sn_cbor_get_bool(struct sn_rd *r)
{
	return (take(r, BOOL).value != 0);
}

bool sn_cbor_take_null(struct sn_rd *r)
{
	size_t n;

	if (peek(r, &n).kind != NIL)
		return (false);
	(void)sn_rd_take(r, n);
	return (true);
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
	size_t n;
	struct token t = peek(r, &n);

	(void)sn_rd_take(r, n);
	switch (t.kind) {
	case UINT:
	case BYTES:
	case TEXT:
	case BOOL:
	case NIL:
	case PLAIN:
		break;
	case ARRAY:
		skip_items(r, t.value, depth);
		break;
	case MAP:
		skip_items(r, t.value, depth);
		skip_items(r, t.value, depth);
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

/* Room for any head; libcbor writes nothing and says 0 when short. */
#define HEAD_MAX 9

static void put(struct sn_wr *w, const uint8_t *head, size_t n)
{
	if (n == 0)
		w->bad = true;
	else
		sn_wr_put(w, head, n);
}

void sn_cbor_put_array(struct sn_wr *w, size_t items)
{
	uint8_t head[HEAD_MAX];

	put(w, head, cbor_encode_array_start(items, head, sizeof(head)));
}

void sn_cbor_put_uint(struct sn_wr *w, uint64_t v)
{
	uint8_t head[HEAD_MAX];

	put(w, head, cbor_encode_uint(v, head, sizeof(head)));
}

void sn_cbor_put_bytes(struct sn_wr *w, struct sn_bytes b)
{
	uint8_t head[HEAD_MAX];

	put(w, head, cbor_encode_bytestring_start(b.n, head, sizeof(head)));
	sn_wr_put(w, b.p, b.n);
}

void sn_cbor_put_text(struct sn_wr *w, struct sn_bytes b)
{
	uint8_t head[HEAD_MAX];

	put(w, head, cbor_encode_string_start(b.n, head, sizeof(head)));
	sn_wr_put(w, b.p, b.n);
}

void sn_cbor_put_bool(struct sn_wr *w, bool v)
{
	uint8_t head[HEAD_MAX];

	put(w, head, cbor_encode_bool(v, head, sizeof(head)));
}

void sn_cbor_put_null(struct sn_wr *w)
{
	uint8_t head[HEAD_MAX];

	put(w, head, cbor_encode_null(head, sizeof(head)));
}
