#ifndef TEST_DER_TEXT_H
#define TEST_DER_TEXT_H

/*
 * DER written as text, so that one octet of it can be put wrong:
 *
 *	30{ 02=7f01 0c="alice" 03=00(c3*64) !0500 }
 *
 * A tag in hexadecimal, then {elements} or =contents; contents are
 * hexadecimal, "text" and (octet*times).  !octets stand as they are.
 */

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DER_TEXT_MAX 16384

struct der_bytes {
	uint8_t p[DER_TEXT_MAX];
	size_t n;
};

static void der_text_put(struct der_bytes *out, const void *p, size_t n)
{
	assert_true(out->n + n <= sizeof(out->p));
	memcpy(out->p + out->n, p, n);
	out->n += n;
}

static uint8_t der_text_octet(const char **at)
{
	char digits[3] = { (*at)[0], (*at)[1], '\0' };

	assert_true(isxdigit((unsigned char)digits[0]) &&
		    isxdigit((unsigned char)digits[1]));
	*at += 2;
	return ((uint8_t)strtoul(digits, NULL, 16));
}

static void der_text_contents(const char **at, struct der_bytes *out)
{
	while (**at != '\0' && **at != ' ' && **at != '}') {
		uint8_t octet;
		char *end;

		if (**at == '"') {
			const char *close = strchr(*at + 1, '"');

			assert_non_null(close);
			der_text_put(out, *at + 1, (size_t)(close - *at - 1));
			*at = close + 1;
		} else if (**at == '(') {
			(*at)++;
			octet = der_text_octet(at);
			assert_int_equal(**at, '*');
			for (unsigned long i = strtoul(*at + 1, &end, 10);
			     i > 0; i--)
				der_text_put(out, &octet, 1);
			assert_int_equal(*end, ')');
			*at = end + 1;
		} else {
			octet = der_text_octet(at);
			der_text_put(out, &octet, 1);
		}
	}
}

/* One element with the shortest length. */
static void der_text_element(
    struct der_bytes *out, uint8_t tag, const uint8_t *p, size_t n)
{
	uint8_t head[4] = { tag, (uint8_t)n };
	size_t head_n = 2;

	if (n >= 0x100) {
		head[1] = 0x82;
		head[2] = (uint8_t)(n >> 8);
		head[3] = (uint8_t)n;
		head_n = 4;
	} else if (n >= 0x80) {
		head[1] = 0x81;
		head[2] = (uint8_t)n;
		head_n = 3;
	}
	der_text_put(out, head, head_n);
	der_text_put(out, p, n);
}

static void der_text_elements(const char **at, struct der_bytes *out);

static void der_text_one(const char **at, struct der_bytes *out)
{
	struct der_bytes *in = calloc(1, sizeof(*in));
	uint8_t tag;

	assert_non_null(in);
	if (**at == '!') {
		(*at)++;
		der_text_contents(at, out);
	} else {
		tag = der_text_octet(at);
		if (**at == '{') {
			(*at)++;
			der_text_elements(at, in);
			assert_int_equal(**at, '}');
		} else {
			assert_int_equal(**at, '=');
			(*at)++;
			der_text_contents(at, in);
			(*at)--;
		}
		(*at)++;
		der_text_element(out, tag, in->p, in->n);
	}
	free(in);
}

static void der_text_elements(const char **at, struct der_bytes *out)
{
	for (;;) {
		while (**at == ' ')
			(*at)++;
		if (**at == '\0' || **at == '}')
			return;
		der_text_one(at, out);
	}
}

/* Appends what ${text} says. */
static void der_text(const char *text, struct der_bytes *out)
{
	der_text_elements(&text, out);
	assert_int_equal(*text, '\0');
}

#endif
