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

static void get_LIST(struct sn_rd *r)
{
	uint64_t n = sn_cbor_get_array(r);

	for (uint64_t i = 0; i < n && !r->bad; i++)
		(void)sn_cbor_get_text(r);
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

static bool ended(struct sn_rd *r, uint64_t fields, uint64_t known)
{
	for (uint64_t i = known; i < fields && !r->bad; i++)
		sn_cbor_skip(r);
	return (sn_rd_end(r));
}

#define COUNT(KIND, name, min, max) +1
#define GET_UINT(name, min, max) get_UINT(&r, &out->name, min, max);
#define GET_MAYBE(name, min, max) get_MAYBE(&r, &out->name, min, max);
#define GET_TEXT(name, min, max) get_TEXT(&r, &out->name, min, max);
#define GET_BYTES(name, min, max) get_BYTES(&r, &out->name, min, max);
#define GET_ID(name, min, max) get_ID(&r, &out->name, min, max);
#define GET_BOOL(name, min, max) get_BOOL(&r, &out->name, min, max);
#define GET_LIST(name, min, max) get_LIST(&r);
#define GET(KIND, name, min, max) GET_##KIND(name, min, max)
#define PUT_UINT(name) put_UINT(w, &in->name);
#define PUT_MAYBE(name) put_MAYBE(w, &in->name);
#define PUT_TEXT(name) put_TEXT(w, &in->name);
#define PUT_BYTES(name) put_BYTES(w, &in->name);
#define PUT_ID(name) put_ID(w, &in->name);
#define PUT_BOOL(name) put_BOOL(w, &in->name);
#define PUT_LIST(name) sn_cbor_put_array(w, 0);
#define PUT(KIND, name, min, max) PUT_##KIND(name)

/* clang-format off */
#define X(number, lower, UPPER)                                             \
bool sn_frame_get_##lower(                                                  \
    const struct sn_frame *frame, struct sn_frame_##lower *out)             \
{                                                                           \
	const uint64_t known = 0 SN_FRAME_##lower(COUNT);                   \
	struct sn_rd r = frame->rd;                                         \
                                                                            \
	memset(out, 0, sizeof(*out));                                       \
	if (frame->type != number || frame->fields < known)                 \
		return (false);                                             \
	SN_FRAME_##lower(GET)                                               \
	return (ended(&r, frame->fields, known));                           \
}                                                                           \
                                                                            \
void sn_frame_put_##lower(                                                  \
    struct sn_wr *w, const struct sn_frame_##lower *in)                     \
{                                                                           \
	size_t at = begin(w);                                               \
                                                                            \
	(void)in;                                                           \
	sn_cbor_put_array(w, 1 SN_FRAME_##lower(COUNT));                    \
	sn_cbor_put_uint(w, number);                                        \
	SN_FRAME_##lower(PUT)                                               \
	finish(w, at, 0);                                                      \
}
SN_FRAMES(X)
#undef X
/* clang-format on */

#define TAIL_FIELDS 7 /* Of a message, from time on. */

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

void sn_frame_put_deliver_head(struct sn_wr *w, uint64_t seq, size_t tail)
{
	size_t at = begin(w);

	sn_cbor_put_array(w, 2 + TAIL_FIELDS);
	sn_cbor_put_uint(w, SN_FRAME_DELIVER);
	sn_cbor_put_uint(w, seq);
	finish(w, at, tail);
}

void sn_frame_put_deliver_tail(
    struct sn_wr *w, uint64_t seq, struct sn_bytes tail)
{
	sn_frame_put_deliver_head(w, seq, tail.n);
	sn_wr_put(w, tail.p, tail.n);
}

void sn_frame_put_item_tail(
    struct sn_wr *w, uint64_t ref, uint64_t seq, struct sn_bytes tail)
{
	size_t at = begin(w);

	sn_cbor_put_array(w, 3 + TAIL_FIELDS);
	sn_cbor_put_uint(w, SN_FRAME_ITEM);
	sn_cbor_put_uint(w, ref);
	sn_cbor_put_uint(w, seq);
	sn_wr_put(w, tail.p, tail.n);
	finish(w, at, 0);
}
