#ifndef CA_ENCODE_H
#define CA_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/bytes.h"

/*
 * DER (X.690) written from its end to its beginning: what an element holds is
 * there before its head is, so every length is known when it is needed.  A
 * caller therefore writes the last member of a SEQUENCE first.  What does not
 * fit sets ${bad} and writes nothing.  The tags are those of ca/der.h.
 */
struct encode {
	uint8_t *start, *at, *end;
	bool bad;
};

struct encode encode_over(void *p, size_t cap);

/** encode_done(e): what has been written. */
struct sn_bytes encode_done(const struct encode *e);

/** encode_put(e, p, n): bytes as they are, before all that is there. */
void encode_put(struct encode *e, const void *p, size_t n);

/** encode_head(e, tag, behind): make one element of all that was put since
 * ${e}->at was ${behind}. */
void encode_head(struct encode *e, uint8_t tag, const uint8_t *behind);

/** encode_element(e, tag, p, n): one element with these contents. */
void encode_element(struct encode *e, uint8_t tag, const void *p, size_t n);

/** encode_time(e, seconds): a time as RFC 5280, 4.1.2.5 wants it: UTCTime
 * through 2049, GeneralizedTime from 2050. */
void encode_time(struct encode *e, int64_t seconds);

#endif
