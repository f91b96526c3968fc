#include "client/text.h"

#include <string.h>

#include "client/safe.h"

/* ASCII that stands for something else. */
static void spelled(const char *shown, struct text_piece *piece)
{
	piece->count = 0;
	while (shown[piece->count] != '\0' && piece->count < TEXT_PIECE) {
		piece->c[piece->count] = (wchar_t)shown[piece->count];
		piece->count++;
	}
	piece->width = (int)piece->count;
}

void text_next(struct sn_bytes text, size_t at, struct text_piece *piece)
{
	const unsigned char *p = (const unsigned char *)text.p + at;
	char shown[SAFE_SHOWN];
	unsigned rune = 0;

	if (p[0] == '\t') {
		piece->bytes = 1;
		spelled("    ", piece);
		return;
	}
	piece->bytes = safe_next(p, text.n - at, shown);
	/* What was escaped has become longer. */
	if (strlen(shown) != piece->bytes) {
		spelled(shown, piece);
		return;
	}
	(void)safe_utf8(p, piece->bytes, &rune);
	piece->c[0] = (wchar_t)rune;
	piece->count = 1;
	piece->width = wcwidth((wchar_t)rune);
	/* One that this system knows no width of. */
	if (piece->width < 0) {
		safe_escape(rune, shown);
		spelled(shown, piece);
	}
}

int text_width(struct sn_bytes text)
{
	struct text_piece piece;
	int width = 0;

	for (size_t at = 0; at < text.n; at += piece.bytes) {
		text_next(text, at, &piece);
		width += piece.width;
	}
	return (width);
}

size_t text_line(struct sn_bytes text, size_t from, int width,
    enum text_break how, size_t *next)
{
	const char *p = text.p;
	size_t at = from, word = from; /* word: behind the last space. */
	struct text_piece piece;
	int used = 0;

	for (; at < text.n; at += piece.bytes) {
		if (p[at] == '\n') {
			*next = at + 1;
			return (at);
		}
		text_next(text, at, &piece);
		if (used + piece.width > width && at > from)
			break;
		used += piece.width;
		if (p[at] == ' ')
			word = at + 1;
	}
	*next = at;
	if (at == text.n || how == TEXT_HARD)
		return (at);
	/* The space that ends a full line is not shown. */
	if (p[at] == ' ') {
		*next = at + 1;
		return (at);
	}
	if (word > from)
		*next = at = word;
	return (at);
}
