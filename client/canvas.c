#include "client/canvas.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "client/text.h"

enum sn_err canvas_size(struct canvas *canvas, int rows, int cols)
{
	struct canvas_cell *cells;

	rows = rows < 1 ? 1 : rows;
	cols = cols < 1 ? 1 : cols;
	if (rows != canvas->rows || cols != canvas->cols) {
		cells = reallocarray(
		    canvas->cells, (size_t)rows * (size_t)cols, sizeof(*cells));
		if (cells == NULL)
			return (SN_ENOMEM);
		canvas->cells = cells;
		canvas->rows = rows;
		canvas->cols = cols;
	}
	canvas->cursor_row = canvas->cursor_col = 0;
	for (int row = 0; row < rows; row++)
		canvas_fill(canvas, row, 0, cols, CANVAS_PLAIN);
	return (SN_OK);
}

void canvas_free(struct canvas *canvas)
{
	free(canvas->cells);
	memset(canvas, 0, sizeof(*canvas));
}

struct canvas_cell *canvas_cell(const struct canvas *canvas, int row, int col)
{
	return (canvas->cells + (ptrdiff_t)row * canvas->cols + col);
}

static void set(struct canvas *canvas, int row, int col, wchar_t c,
    unsigned char count, enum canvas_style style)
{
	struct canvas_cell *cell = canvas_cell(canvas, row, col);

	cell->c[0] = c;
	cell->count = count;
	cell->style = (unsigned char)style;
}

void canvas_fill(
    struct canvas *canvas, int row, int col, int end, enum canvas_style style)
{
	for (;
	     row >= 0 && row < canvas->rows && col < end && col < canvas->cols;
	     col++)
		set(canvas, row, col, L' ', 1, style);
}

/* A mark goes onto the character before it, as long as there is room. */
static void stack(struct canvas *canvas, int row, int col, wchar_t c)
{
	struct canvas_cell *cell;

	do {
		if (--col < 0)
			return;
		cell = canvas_cell(canvas, row, col);
	} while (cell->count == 0);
	if (cell->count < CANVAS_STACK)
		cell->c[cell->count++] = c;
}

static int put_one(struct canvas *canvas, int row, int col, wchar_t c,
    int width, enum canvas_style style)
{
	if (width == 0) {
		stack(canvas, row, col, c);
		return (col);
	}
	set(canvas, row, col, c, 1, style);
	for (int i = 1; i < width; i++)
		set(canvas, row, col + i, L' ', 0, style);
	return (col + width);
}

int canvas_put(struct canvas *canvas, int row, int col, int end,
    struct sn_bytes text, enum canvas_style style)
{
	struct text_piece piece;

	if (end > canvas->cols)
		end = canvas->cols;
	if (row < 0 || row >= canvas->rows)
		return (col);
	for (size_t at = 0; at < text.n; at += piece.bytes) {
		text_next(text, at, &piece);
		if (col + piece.width > end)
			break;
		for (unsigned i = 0; i < piece.count; i++)
			col = put_one(canvas, row, col, piece.c[i],
			    piece.count > 1 ? 1 : piece.width, style);
	}
	return (col);
}

const char *canvas_row(
    const struct canvas *canvas, int row, char *out, size_t size)
{
	size_t n = 0, end = 0;

	for (int col = 0; col < canvas->cols; col++) {
		const struct canvas_cell *cell = canvas_cell(canvas, row, col);

		for (unsigned i = 0; i < cell->count; i++) {
			char one[MB_LEN_MAX];
			mbstate_t state = { 0 };
			size_t length = wcrtomb(one, cell->c[i], &state);

			if (length > sizeof(one) || n + length >= size)
				break;
			memcpy(out + n, one, length);
			n += length;
			if (cell->c[i] != L' ')
				end = n;
		}
	}
	out[end] = '\0';
	return (out);
}
