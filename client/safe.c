#include "client/safe.h"

#include <string.h>

/* What a character of each length must at least be. */
static const unsigned least[] = { 0, 0, 0x80, 0x800, 0x10000 };

static size_t length_of(unsigned char first)
{
	if (first < 0x80)
		return (1);
	if (first >= 0xc2 && first < 0xe0)
		return (2);
	if (first >= 0xe0 && first < 0xf0)
		return (3);
	return (first >= 0xf0 && first < 0xf5 ? 4 : 0);
}

size_t safe_utf8(const unsigned char *text, size_t n, unsigned *rune)
{
	size_t length = length_of(text[0]);
	unsigned r;

	if (length == 0 || length > n)
		return (0);
	r = length == 1 ? text[0] : text[0] & (0x7fU >> length);
	for (size_t i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return (0);
		r = r << 6 | (text[i] & 0x3f);
	}
	if (r < least[length] || r > 0x10ffff || (r >= 0xd800 && r < 0xe000))
		return (0);
	*rune = r;
	return (length);
}

/* Whether it would do something to a terminal or deceive its reader. */
static bool acts(unsigned rune)
{
	return (rune < 0x20 || (rune >= 0x7f && rune < 0xa0) || rune == 0x61c ||
		rune == 0x200e || rune == 0x200f ||
		(rune >= 0x2028 && rune <= 0x202e) ||
		(rune >= 0x2066 && rune <= 0x2069) || rune == 0xfeff ||
		(rune >= 0xfff9 && rune <= 0xfffb) ||
		(rune >= 0xe0000 && rune <= 0xe007f));
}

void safe_escape(unsigned rune, char shown[SAFE_SHOWN])
{
	(void)snprintf(shown, SAFE_SHOWN, "\\u{%x}", rune);
}

size_t safe_next(const unsigned char *text, size_t n, char shown[SAFE_SHOWN])
{
	unsigned rune = 0;
	size_t length = safe_utf8(text, n, &rune);

	if (length == 0 || (acts(rune) && rune < 0x80)) {
		(void)snprintf(shown, SAFE_SHOWN, "\\x%02x", text[0]);
		return (1);
	}
	if (acts(rune)) {
		safe_escape(rune, shown);
		return (length);
	}
	memcpy(shown, text, length);
	shown[length] = '\0';
	return (length);
}

void safe_print(struct sn_bytes text, const char *indent, FILE *to)
{
	const unsigned char *p = text.p;
	char one[SAFE_SHOWN];

	for (size_t i = 0; i < text.n;) {
		if (p[i] == '\n') {
			(void)fprintf(to, "\n%s", indent);
			i++;
		} else if (p[i] == '\t') {
			(void)putc('\t', to);
			i++;
		} else {
			i += safe_next(p + i, text.n - i, one);
			(void)fputs(one, to);
		}
	}
}

const char *safe_line(struct sn_bytes text, char *out, size_t size)
{
	const unsigned char *p = text.p;
	char one[SAFE_SHOWN];
	size_t n = 0;

	for (size_t i = 0; i < text.n;) {
		i += safe_next(p + i, text.n - i, one);
		if (n + strlen(one) >= size)
			break;
		memcpy(out + n, one, strlen(one));
		n += strlen(one);
	}
	out[n] = '\0';
	return (out);
}
