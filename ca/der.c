#include "ca/der.h"

#include <string.h>
#include <time.h>

#define UTC_BYTES 13     /* YYMMDDHHMMSSZ */
#define GENERAL_BYTES 15 /* YYYYMMDDHHMMSSZ */

static const struct der nothing = { (const uint8_t *)"", 0, true };

struct der der_over(const void *p, size_t n)
{
	return ((struct der){ p, n, false });
}

/* The length field; on success the cursor stands behind it. */
static bool length(struct der *d, size_t *out)
{
	size_t bytes, n = 0;

	if (d->n == 0)
		return (false);
	if (d->p[0] < 0x80) {
		*out = d->p[0];
		d->p++;
		d->n--;
		return (true);
	}
	bytes = d->p[0] & 0x7f;
	if (bytes == 0 || bytes > 4 || bytes >= d->n || d->p[1] == 0)
		return (false);
	for (size_t i = 0; i < bytes; i++)
		n = n << 8 | d->p[1 + i];
	if (n < 0x80)
		return (false);
	d->p += 1 + bytes;
	d->n -= 1 + bytes;
	*out = n;
	return (true);
}

struct der der_next(struct der *d, uint8_t *tag)
{
	struct der out;
	size_t n;

	*tag = 0;
	if (d->bad || d->n == 0 || (d->p[0] & 0x1f) == 0x1f) {
		d->bad = true;
		return (nothing);
	}
	*tag = d->p[0];
	d->p++;
	d->n--;
	if (!length(d, &n) || n > d->n) {
		d->bad = true;
		return (nothing);
	}
	out = (struct der){ d->p, n, false };
	d->p += n;
	d->n -= n;
	return (out);
}

struct der der_take(struct der *d, uint8_t tag)
{
	uint8_t met;
	struct der out;

	if (der_peek(d) != tag) {
		d->bad = true;
		return (nothing);
	}
	out = der_next(d, &met);
	return (out);
}

uint8_t der_peek(const struct der *d)
{
	return (d->bad || d->n == 0 ? 0 : d->p[0]);
}

struct der der_whole(struct der *d, uint8_t tag)
{
	const uint8_t *start = d->p;
	struct der out = der_take(d, tag);

	if (d->bad)
		return (nothing);
	out.p = start;
	out.n = (size_t)(d->p - start);
	return (out);
}

bool der_end(const struct der *d)
{
	return (!d->bad && d->n == 0);
}

bool der_is(const struct der *d, const void *p, size_t n)
{
	return (!d->bad && d->n == n && memcmp(d->p, p, n) == 0);
}

bool der_integer_ok(const struct der *d)
{
	if (d->bad || d->n == 0)
		return (false);
	if (d->n == 1)
		return (true);
	return (!(d->p[0] == 0x00 && d->p[1] < 0x80) &&
		!(d->p[0] == 0xff && d->p[1] >= 0x80));
}

static int number(const uint8_t *p, size_t digits)
{
	int n = 0;

	for (size_t i = 0; i < digits; i++) {
		if (p[i] < '0' || p[i] > '9')
			return (-1);
		n = n * 10 + (p[i] - '0');
	}
	return (n);
}

/* ${p} is MMDDHHMMSSZ. */
static bool date(int year, const uint8_t *p, int64_t *out)
{
	struct tm tm = {
		.tm_year = year - 1900,
		.tm_mon = number(p, 2) - 1,
		.tm_mday = number(p + 2, 2),
		.tm_hour = number(p + 4, 2),
		.tm_min = number(p + 6, 2),
		.tm_sec = number(p + 8, 2),
	};
	struct tm same = tm;

	if (p[10] != 'Z' || tm.tm_mon < 0 || tm.tm_mday < 1 || tm.tm_hour < 0 ||
	    tm.tm_min < 0 || tm.tm_sec < 0 || tm.tm_sec > 59)
		return (false);
	/* timegm mends what is no date; then it was none. */
	*out = (int64_t)timegm(&same);
	return (same.tm_mon == tm.tm_mon && same.tm_mday == tm.tm_mday &&
		same.tm_hour == tm.tm_hour && same.tm_min == tm.tm_min);
}

bool der_time(struct der *d, int64_t *out)
{
	uint8_t tag;
	struct der t = der_next(d, &tag);
	int year;

	*out = 0;
	if (t.bad)
		return (false);
	if (tag == DER_UTC_TIME && t.n == UTC_BYTES) {
		if ((year = number(t.p, 2)) < 0)
			return (false);
		return (date(year + (year < 50 ? 2000 : 1900), t.p + 2, out));
	}
	if (tag != DER_GENERAL_TIME || t.n != GENERAL_BYTES)
		return (false);
	year = number(t.p, 4);
	return (year >= 2050 && date(year, t.p + 4, out));
}
