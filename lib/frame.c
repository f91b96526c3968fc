#include "lib/frame.h"

#include <string.h>

#include "lib/cbor.h"

enum sn_err sn_frame_open(
    const void *p, size_t n, size_t max, struct sn_frame *out)
{
	struct sn_rd head = sn_rd_over(p, n);
	uint64_t length = sn_rd_u32(&head);
	uint64_t items;

	if (head.bad)
		return (SN_EAGAIN);
	if (length > max)
		return (SN_ETOOBIG);
	if (length == 0)
		return (SN_EPROTO);
	if (length > head.left)
		return (SN_EAGAIN);
	out->rd = sn_rd_over(head.p, (size_t)length);
	out->size = SN_FRAME_HEAD + (size_t)length;
	items = sn_cbor_get_array(&out->rd);
	out->type = sn_cbor_get_uint(&out->rd);
	if (out->rd.bad || items == 0)
		return (SN_EPROTO);
	out->fields = items - 1;
	return (SN_OK);
}

static const char *const names[SN_FRAME_TYPES] = {
#define X(number, lower, UPPER) [number] = #UPPER,
	SN_FRAMES(X)
#undef X
};

const char *sn_frame_name(uint64_t type)
{
	if (type >= SN_FRAME_TYPES || names[type] == NULL)
		return ("?");
	return (names[type]);
}

/* Reading: one function a kind of field. */

static void get_UINT(struct sn_rd *r, uint64_t *v, uint64_t min, uint64_t max)
{
	*v = sn_cbor_get_uint(r);
	if (*v < min || *v > max)
		r->bad = true;
}

static void get_MAYBE(
    struct sn_rd *r, struct sn_maybe *v, uint64_t min, uint64_t max)
{
	*v = (struct sn_maybe){ .set = false };
	if (sn_cbor_take_null(r))
		return;
	v->set = true;
	get_UINT(r, &v->value, min, max);
}

static void get_TEXT(
    struct sn_rd *r, struct sn_bytes *v, uint64_t min, uint64_t max)
{
	*v = sn_cbor_get_text(r);
	if (v->n < min || v->n > max)
		r->bad = true;
}

static void get_BYTES(
    struct sn_rd *r, struct sn_bytes *v, uint64_t min, uint64_t max)
{
	*v = sn_cbor_get_bytes(r);
	if (v->n < min || v->n > max)
		r->bad = true;
}

static void get_ID(
    struct sn_rd *r, uint8_t (*v)[SN_FRAME_ID], uint64_t min, uint64_t max)
{
	struct sn_bytes b = sn_cbor_get_bytes(r);

	(void)min;
	(void)max;
	if (b.n != SN_FRAME_ID)
		r->bad = true;
	else
		memcpy(*v, b.p, SN_FRAME_ID);
}

static void get_BOOL(struct sn_rd *r, bool *v, uint64_t min, uint64_t max)
{
	(void)min;
	(void)max;
	*v = sn_cbor_get_bool(r);
}

static const char *const features[SN_FEATURE_COUNT] = {
#define X(NAME, word) [SN_FEATURE_BIT_##NAME] = word,
	SN_FEATURES(X)
#undef X
};

static void get_LIST(struct sn_rd *r, uint64_t *v, uint64_t min, uint64_t max)
{
	uint64_t n = sn_cbor_get_array(r);

	(void)min;
	(void)max;
	*v = 0;
	for (uint64_t i = 0; i < n && !r->bad; i++) {
		struct sn_bytes word = sn_cbor_get_text(r);

		for (unsigned bit = 0; bit < SN_FEATURE_COUNT; bit++) {
			if (sn_bytes_equal(word, sn_bytes_of(features[bit])))
				*v |= UINT64_C(1) << bit;
		}
	}
}

/* Writing. */

static void put_UINT(struct sn_wr *w, const uint64_t *v)
{
	sn_cbor_put_uint(w, *v);
}

static void put_MAYBE(struct sn_wr *w, const struct sn_maybe *v)
{
	if (v->set)
		sn_cbor_put_uint(w, v->value);
	else
		sn_cbor_put_null(w);
}

static void put_TEXT(struct sn_wr *w, const struct sn_bytes *v)
{
	sn_cbor_put_text(w, *v);
}

static void put_BYTES(struct sn_wr *w, const struct sn_bytes *v)
{
	sn_cbor_put_bytes(w, *v);
}

static void put_ID(struct sn_wr *w, const uint8_t (*v)[SN_FRAME_ID])
{
	sn_cbor_put_bytes(w, (struct sn_bytes){ *v, SN_FRAME_ID });
}

static void put_BOOL(struct sn_wr *w, const bool *v)
{
	sn_cbor_put_bool(w, *v);
}

static void put_LIST(struct sn_wr *w, const uint64_t *v)
{
	size_t n = 0;

	for (unsigned bit = 0; bit < SN_FEATURE_COUNT; bit++)
		n += (*v >> bit) & 1;
	sn_cbor_put_array(w, n);
	for (unsigned bit = 0; bit < SN_FEATURE_COUNT; bit++) {
		if ((*v >> bit) & 1)
			sn_cbor_put_text(w, sn_bytes_of(features[bit]));
	}
}

/* The length is written last, in front; returns where it goes. */
static size_t begin(struct sn_wr *w)
{
	size_t at = w->n;

	sn_wr_u32(w, 0);
	return (at);
}

/* ${more}: bytes that the caller still puts behind. */
static void finish(struct sn_wr *w, size_t at, size_t more)
{
	struct sn_wr head;

	if (w->bad)
		return;
	head = sn_wr_over(w->p + at, SN_FRAME_HEAD);
	sn_wr_u32(&head, (uint32_t)(w->n - at - SN_FRAME_HEAD + more));
}

/* What a later version appended is passed over. */
static bool ended(struct sn_rd *r, uint64_t left)
{
	for (; left > 0 && !r->bad; left--)
		sn_cbor_skip(r);
	return (sn_rd_end(r));
}

/* Fields that must be there, and all that are written. */
#define MUST_UINT 1
#define MUST_MAYBE 1
#define MUST_TEXT 1
#define MUST_BYTES 1
#define MUST_ID 1
#define MUST_BOOL 1
#define MUST_LIST 1
#define MUST_LATER_UINT 0
#define MUST_LATER_MAYBE 0
#define MUST_LATER_BOOL 0
#define COUNT_MUST(KIND, name, min, max) +MUST_##KIND
#define COUNT_ALL(KIND, name, min, max) +1

#define GET_UINT(name, min, max) get_UINT(&r, &out->name, min, max)
#define GET_MAYBE(name, min, max) get_MAYBE(&r, &out->name, min, max)
#define GET_TEXT(name, min, max) get_TEXT(&r, &out->name, min, max)
#define GET_BYTES(name, min, max) get_BYTES(&r, &out->name, min, max)
#define GET_ID(name, min, max) get_ID(&r, &out->name, min, max)
#define GET_BOOL(name, min, max) get_BOOL(&r, &out->name, min, max)
#define GET_LIST(name, min, max) get_LIST(&r, &out->name, min, max)
#define GET_LATER_UINT(name, min, max) GET_UINT(name, min, max)
#define GET_LATER_MAYBE(name, min, max) GET_MAYBE(name, min, max)
#define GET_LATER_BOOL(name, min, max) GET_BOOL(name, min, max)
#define GET(KIND, name, min, max)           \
	if (left > 0) {                     \
		GET_##KIND(name, min, max); \
		left--;                     \
	}
#define PUT_UINT(name) put_UINT(w, &in->name);
#define PUT_MAYBE(name) put_MAYBE(w, &in->name);
#define PUT_TEXT(name) put_TEXT(w, &in->name);
#define PUT_BYTES(name) put_BYTES(w, &in->name);
#define PUT_ID(name) put_ID(w, &in->name);
#define PUT_BOOL(name) put_BOOL(w, &in->name);
#define PUT_LIST(name) put_LIST(w, &in->name);
#define PUT_LATER_UINT(name) PUT_UINT(name)
#define PUT_LATER_MAYBE(name) PUT_MAYBE(name)
#define PUT_LATER_BOOL(name) PUT_BOOL(name)
#define PUT(KIND, name, min, max) PUT_##KIND(name)

/* clang-format off */
#define X(number, lower, UPPER)                                             \
bool sn_frame_get_##lower(                                                  \
    const struct sn_frame *frame, struct sn_frame_##lower *out)             \
{                                                                           \
	const uint64_t must = 0 SN_FRAME_##lower(COUNT_MUST);               \
	uint64_t left = frame->fields;                                      \
	struct sn_rd r = frame->rd;                                         \
                                                                            \
	memset(out, 0, sizeof(*out));                                       \
	if (frame->type != number || left < must)                           \
		return (false);                                             \
	SN_FRAME_##lower(GET)                                               \
	return (ended(&r, left));                                           \
}                                                                           \
                                                                            \
void sn_frame_put_##lower(                                                  \
    struct sn_wr *w, const struct sn_frame_##lower *in)                     \
{                                                                           \
	size_t at = begin(w);                                               \
                                                                            \
	(void)in;                                                           \
	sn_cbor_put_array(w, 1 SN_FRAME_##lower(COUNT_ALL));                \
	sn_cbor_put_uint(w, number);                                        \
	SN_FRAME_##lower(PUT)                                               \
	finish(w, at, 0);                                                   \
}
SN_FRAMES(X)
#undef X
/* clang-format on */

#define TAIL_FIELDS 7 /* Of a message, from time to body. */

void sn_frame_put_tail(struct sn_wr *w, const struct sn_frame_deliver *in)
{
	put_UINT(w, &in->time);
	put_TEXT(w, &in->to);
	put_TEXT(w, &in->from);
	put_TEXT(w, &in->device);
	put_ID(w, &in->id);
	put_TEXT(w, &in->content_type);
	put_BYTES(w, &in->body);
}

void sn_frame_put_behind(struct sn_wr *w, uint64_t expires)
{
	if (expires != 0)
		sn_cbor_put_uint(w, expires);
}

/* Its bytes, and how many fields that is. */
static size_t behind(uint64_t expires, size_t *fields)
{
	uint8_t space[SN_FRAME_BEHIND];
	struct sn_wr w = sn_wr_over(space, sizeof(space));

	sn_frame_put_behind(&w, expires);
	*fields = w.n > 0;
	return (w.n);
}

void sn_frame_put_deliver_head(
    struct sn_wr *w, uint64_t seq, size_t tail, uint64_t expires)
{
	size_t at = begin(w), fields, more = behind(expires, &fields);

	sn_cbor_put_array(w, 2 + TAIL_FIELDS + fields);
	sn_cbor_put_uint(w, SN_FRAME_DELIVER);
	sn_cbor_put_uint(w, seq);
	finish(w, at, tail + more);
}

void sn_frame_put_deliver_tail(
    struct sn_wr *w, uint64_t seq, struct sn_bytes tail, uint64_t expires)
{
	sn_frame_put_deliver_head(w, seq, tail.n, expires);
	sn_wr_put(w, tail.p, tail.n);
	sn_frame_put_behind(w, expires);
}

void sn_frame_put_item_tail(struct sn_wr *w, uint64_t ref, uint64_t seq,
    struct sn_bytes tail, uint64_t expires)
{
	size_t at = begin(w), fields;

	(void)behind(expires, &fields);
	sn_cbor_put_array(w, 3 + TAIL_FIELDS + fields);
	sn_cbor_put_uint(w, SN_FRAME_ITEM);
	sn_cbor_put_uint(w, ref);
	sn_cbor_put_uint(w, seq);
	sn_wr_put(w, tail.p, tail.n);
	sn_frame_put_behind(w, expires);
	finish(w, at, 0);
}
