#include "ca/encode.h"

#include <string.h>
#include <time.h>

#include "ca/der.h"

#define TIME_TEXT 16     /* YYYYMMDDHHMMSSZ and its NUL. */
#define UTC_TIME_ENDS 50 /* The years of UTCTime are 1950 to 2049. */

struct encode encode_over(void *p, size_t cap)
{
	uint8_t *start = p;

	return ((struct encode){ start, start + cap, start + cap, false });
}

struct sn_bytes encode_done(const struct encode *e)
{
	return ((struct sn_bytes){ e->at, (size_t)(e->end - e->at) });
}

void encode_put(struct encode *e, const void *p, size_t n)
{
	if (e->bad || n > (size_t)(e->at - e->start)) {
		e->bad = true;
		return;
	}
	e->at -= n;
	if (n > 0)
		memcpy(e->at, p, n);
}

static void put_byte(struct encode *e, size_t value)
{
	uint8_t byte = (uint8_t)value;

	encode_put(e, &byte, 1);
}

void encode_head(struct encode *e, uint8_t tag, const uint8_t *behind)
{
	size_t n = (size_t)(behind - e->at), bytes = 0;

	if (n < 0x80) {
		put_byte(e, n);
	} else {
		for (size_t left = n; left > 0; left >>= 8, bytes++)
			put_byte(e, left & 0xff);
		put_byte(e, 0x80 | bytes);
	}
	put_byte(e, tag);
}

void encode_element(struct encode *e, uint8_t tag, const void *p, size_t n)
{
	const uint8_t *behind = e->at;

	encode_put(e, p, n);
	encode_head(e, tag, behind);
}

void encode_time(struct encode *e, int64_t seconds)
{
	time_t t = (time_t)seconds;
	char text[TIME_TEXT];
	struct tm tm;
	bool utc;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &tm) !=
		TIME_TEXT - 1) {
		e->bad = true;
		return;
	}
	utc = tm.tm_year >= UTC_TIME_ENDS && tm.tm_year < 100 + UTC_TIME_ENDS;
	if (utc)
		encode_element(e, DER_UTC_TIME, text + 2, TIME_TEXT - 3);
	else
		encode_element(e, DER_GENERAL_TIME, text, TIME_TEXT - 1);
}
