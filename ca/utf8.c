#include "ca/utf8.h"

/* How many bytes follow ${c}; *${bits} is what it contributes itself. */
static int follow(unsigned char c, unsigned long *bits)
{
	if (c < 0x80) {
		*bits = c;
		return (0);
	}
	if ((c & 0xe0) == 0xc0) {
		*bits = c & 0x1f;
		return (1);
	}
	if ((c & 0xf0) == 0xe0) {
		*bits = c & 0x0f;
		return (2);
	}
	if ((c & 0xf8) == 0xf0) {
		*bits = c & 0x07;
		return (3);
	}
	return (-1);
}

bool utf8_is_text(const void *text, size_t n)
{
	static const unsigned long least[] = { 0x20, 0x80, 0x800, 0x10000 };
	const unsigned char *p = text;
	unsigned long c;
	int more;

	while (n > 0) {
		if ((more = follow(*p, &c)) < 0 || (size_t)more >= n)
			return (false);
		for (int i = 1; i <= more; i++) {
			if ((p[i] & 0xc0) != 0x80)
				return (false);
			c = c << 6 | (p[i] & 0x3f);
		}
		if (c < least[more] || c > 0x10ffff ||
		    (c >= 0x7f && c < 0xa0) || (c >= 0xd800 && c < 0xe000))
			return (false);
		p += more + 1;
		n -= (size_t)more + 1;
	}
	return (true);
}

size_t utf8_count(const void *text, size_t n)
{
	const unsigned char *p = text;
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += (p[i] & 0xc0) != 0x80;
	return (count);
}
