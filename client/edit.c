#include "client/edit.h"

#include <string.h>

#include "client/safe.h"
#include "client/text.h"

struct sn_bytes edit_text(const struct edit *edit)
{
	return ((struct sn_bytes){ edit->text, edit->n });
}

/* How many bytes at ${p} are a character to keep, 0 for one to leave out;
 * *${skip}: how many there are either way. */
static size_t keeps(const unsigned char *p, size_t n, size_t *skip)
{
	unsigned rune = 0;
	size_t length = safe_utf8(p, n, &rune);

	*skip = length == 0 ? 1 : length;
	if (length == 0 ||
	    (rune < 0x20 && rune != '\n' && rune != '\t' && rune != '\r') ||
	    (rune >= 0x7f && rune < 0xa0))
		return (0);
	return (length);
}

bool edit_insert(struct edit *edit, struct sn_bytes text)
{
	const unsigned char *p = text.p;
	size_t n = 0, skip, one;
	char *to = edit->text + edit->at;

	for (size_t i = 0; i < text.n; i += skip)
		n += keeps(p + i, text.n - i, &skip);
	if (n > sizeof(edit->text) - edit->n)
		return (false);
	memmove(to + n, to, edit->n - edit->at);
	for (size_t i = 0; i < text.n; i += skip) {
		one = keeps(p + i, text.n - i, &skip);
		memcpy(to, p + i, one);
		if (*to == '\r' && one == 1)
			*to = '\n';
		to += one;
	}
	edit->n += n;
	edit->at += n;
	return (true);
}

void edit_set(struct edit *edit, struct sn_bytes text)
{
	edit->n = text.n < sizeof(edit->text) ? text.n : sizeof(edit->text);
	if (edit->n > 0)
		memcpy(edit->text, text.p, edit->n);
	edit->at = edit->n;
}

/* Where the character before ${at} > 0 begins, and the one at ${at} ends. */
static size_t before(const struct edit *edit, size_t at)
{
	while (at > 0 && ((unsigned char)edit->text[--at] & 0xc0) == 0x80)
		continue;
	return (at);
}

static size_t behind(const struct edit *edit, size_t at)
{
	do {
		at++;
	} while (
	    at < edit->n && ((unsigned char)edit->text[at] & 0xc0) == 0x80);
	return (at);
}

/* Whether it goes onto the character before it. */
static bool is_mark(const struct edit *edit, size_t at)
{
	struct text_piece piece;

	if (at >= edit->n)
		return (false);
	text_next(edit_text(edit), at, &piece);
	return (piece.width == 0);
}

static bool is_space(const struct edit *edit, size_t at)
{
	return (strchr(" \n\t", edit->text[at]) != NULL);
}

static size_t left(const struct edit *edit, size_t at)
{
	if (at > 0)
		at = before(edit, at);
	while (at > 0 && is_mark(edit, at))
		at = before(edit, at);
	return (at);
}

static size_t right(const struct edit *edit, size_t at)
{
	if (at < edit->n)
		at = behind(edit, at);
	while (is_mark(edit, at))
		at = behind(edit, at);
	return (at);
}

static size_t target(const struct edit *edit, enum edit_move how)
{
	size_t at = edit->at;

	switch (how) {
	case EDIT_LEFT:
		return (left(edit, at));
	case EDIT_RIGHT:
		return (right(edit, at));
	case EDIT_WORD_LEFT:
		while (at > 0 && is_space(edit, at - 1))
			at--;
		while (at > 0 && !is_space(edit, at - 1))
			at--;
		return (at);
	case EDIT_WORD_RIGHT:
		while (at < edit->n && is_space(edit, at))
			at++;
		while (at < edit->n && !is_space(edit, at))
			at++;
		return (at);
	case EDIT_START:
		while (at > 0 && edit->text[at - 1] != '\n')
			at--;
		return (at);
	case EDIT_END:
	default:
		while (at < edit->n && edit->text[at] != '\n')
			at++;
		return (at);
	}
}

void edit_move(struct edit *edit, enum edit_move how)
{
	edit->at = target(edit, how);
}

void edit_erase(struct edit *edit, enum edit_move how)
{
	size_t to = target(edit, how);
	size_t first = to < edit->at ? to : edit->at;
	size_t last = to < edit->at ? edit->at : to;

	memmove(edit->text + first, edit->text + last, edit->n - last);
	edit->n -= last - first;
	edit->at = first;
}
