#ifndef SN_CLIENT_CANVAS_H
#define SN_CLIENT_CANVAS_H

#include <stddef.h>
#include <wchar.h>

#include "lib/bytes.h"
#include "lib/err.h"

/* A screen in memory: cells of characters and styles, and a cursor. */

enum canvas_style {
	CANVAS_PLAIN,
	CANVAS_BOLD,
	CANVAS_DIM,
	CANVAS_BAR,    /* White on black, or the other way around. */
	CANVAS_CHOSEN, /* The one of a list that is shown. */
	CANVAS_ALERT,
};

#define CANVAS_STACK 4 /* A character, and at most three marks on it. */

struct canvas_cell {
	wchar_t c[CANVAS_STACK];
	unsigned char count; /* Of ${c}; 0: the right half of the one before. */
	unsigned char style;
};

struct canvas {
	int rows, cols;
	int cursor_row, cursor_col;
	struct canvas_cell *cells;
};

/**
 * canvas_size(canvas, rows, cols):
 * Make it that large (at least 1x1), and empty.  SN_ENOMEM.
 */
enum sn_err canvas_size(struct canvas *canvas, int rows, int cols) SN_MUST_USE;
void canvas_free(struct canvas *canvas);

/** canvas_cell(canvas, row, col): one that is there. */
struct canvas_cell *canvas_cell(const struct canvas *canvas, int row, int col);

/** canvas_fill(canvas, row, col, end, style): blanks in [col, end). */
void canvas_fill(
    struct canvas *canvas, int row, int col, int end, enum canvas_style style);

/**
 * canvas_put(canvas, row, col, end, text, style):
 * Write ${text} as far as it fits into [col, end), everything in it made safe
 * (client/text.h); returns the column behind it.
 */
int canvas_put(struct canvas *canvas, int row, int col, int end,
    struct sn_bytes text, enum canvas_style style);

/** canvas_row(canvas, row, out, size): as UTF-8, without blanks at the end;
 * returns ${out}. */
const char *canvas_row(
    const struct canvas *canvas, int row, char *out, size_t size);

#endif
