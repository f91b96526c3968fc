#ifndef CA_DER_H
#define CA_DER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A cursor over DER (X.690).  Strict: definite and shortest lengths, tags of
 * one byte.  The first error sticks, and every later take returns an empty
 * cursor.
 */
#define DER_BOOLEAN 0x01
#define DER_INTEGER 0x02
#define DER_BITS 0x03
#define DER_OCTETS 0x04
#define DER_OID 0x06
#define DER_ENUMERATED 0x0a
#define DER_UTF8 0x0c
#define DER_PRINTABLE 0x13
#define DER_UTC_TIME 0x17
#define DER_GENERAL_TIME 0x18
#define DER_SEQUENCE 0x30
#define DER_SET 0x31
#define DER_CONTEXT(n) ((uint8_t)(0x80 | (n)))    /* Primitive. */
#define DER_CONTEXT_IN(n) ((uint8_t)(0xa0 | (n))) /* Constructed. */

struct der {
	const uint8_t *p;
	size_t n;
	bool bad;
};

struct der der_over(const void *p, size_t n);

/** der_next(d, tag): the contents of the next element, and its tag. */
struct der der_next(struct der *d, uint8_t *tag);

/** der_take(d, tag): the contents of the next element, which is ${tag}. */
struct der der_take(struct der *d, uint8_t tag);

/** der_peek(d): the next tag; 0 at the end. */
uint8_t der_peek(const struct der *d);

/** der_whole(d, tag): as der_take, but with tag and length, for comparing. */
struct der der_whole(struct der *d, uint8_t tag);

/** der_end(d): nothing is left and nothing was wrong. */
bool der_end(const struct der *d);

/** der_is(d, p, n): exactly these bytes. */
bool der_is(const struct der *d, const void *p, size_t n);

/** der_integer_ok(d): contents of an INTEGER in shortest form. */
bool der_integer_ok(const struct der *d);

/**
 * der_time(d, out):
 * A time as RFC 5280, 4.1.2.5 wants it: UTCTime with seconds and Z through
 * 2049, GeneralizedTime with seconds and Z from 2050; a real date.
 */
bool der_time(struct der *d, int64_t *out);

#endif
