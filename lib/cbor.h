#ifndef SN_LIB_CBOR_H
#define SN_LIB_CBOR_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/bytes.h"

/*
 * CBOR (RFC 8949) for the frames: definite lengths only; maps, tags and
 * floating point are passed over where a later version may use them.  Reading and writing go through the cursors of
 * lib/bytes.h, whose first error sticks.
 */

/** Deepest nesting that sn_cbor_skip follows. */
#define SN_CBOR_DEPTH 4

void sn_cbor_put_array(struct sn_wr *w, size_t items);
void sn_cbor_put_uint(struct sn_wr *w, uint64_t v);
void sn_cbor_put_bytes(struct sn_wr *w, struct sn_bytes b);
void sn_cbor_put_text(struct sn_wr *w, struct sn_bytes b);
void sn_cbor_put_bool(struct sn_wr *w, bool v);
void sn_cbor_put_null(struct sn_wr *w);

/** The number of items of the array that begins here. */
uint64_t sn_cbor_get_array(struct sn_rd *r);
uint64_t sn_cbor_get_uint(struct sn_rd *r);

/** In place; valid while what the cursor reads is. */
struct sn_bytes sn_cbor_get_bytes(struct sn_rd *r);

/** As sn_cbor_get_bytes; what is not UTF-8 (RFC 3629) is an error. */
struct sn_bytes sn_cbor_get_text(struct sn_rd *r);
bool sn_cbor_get_bool(struct sn_rd *r);

/** Whether null is next; if so it is taken, if not nothing is. */
bool sn_cbor_take_null(struct sn_rd *r);

/** Pass over one item of any type, what it holds included. */
void sn_cbor_skip(struct sn_rd *r);

#endif
