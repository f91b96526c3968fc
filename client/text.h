#ifndef SN_CLIENT_TEXT_H
#define SN_CLIENT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <wchar.h>

#include "lib/bytes.h"

/*
 * Text in columns: what client/safe.h lets through, as wide characters with
 * the widths that the C library knows.  Whoever uses it has called
 * setlocale with a locale of UTF-8.
 */
#define TEXT_PIECE 16
#define TEXT_TAB 4

/* The next of a text as it is shown: one character, or what stands for it. */
struct text_piece {
	wchar_t c[TEXT_PIECE];
	unsigned count; /* Of ${c}. */
	int width;      /* In columns; 0: goes onto the one before. */
	size_t bytes;   /* Of the text. */
};

/**
 * text_next(text, at, piece):
 * What begins at ${at} < text.n.  A line break comes out as \x0a; a tab as
 * TEXT_TAB spaces.
 */
void text_next(struct sn_bytes text, size_t at, struct text_piece *piece);

/** text_width(text): of all of it on one line, in columns. */
int text_width(struct sn_bytes text);

enum text_break {
	TEXT_WORDS, /* Between words where there are any. */
	TEXT_HARD,  /* Wherever the line is full. */
};

/**
 * text_line(text, from, width, how, next):
 * Where the line that begins at ${from} ends, when it has ${width} columns;
 * the one after it begins at *${next}, which is above ${from} unless the text
 * is at its end.  A line break ends a line and is in none.
 */
size_t text_line(struct sn_bytes text, size_t from, int width,
    enum text_break how, size_t *next);

#endif
