#include "client/view_internal.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "client/text.h"
#include "lib/clock.h"

#define INDENT 8 /* Of the later lines of a message, where there is room. */
#define CLOCK_FROM 40 /* Columns from which on the time is shown. */

/* The lines of one message, drawn in part. */
struct lines {
	const struct model *model;
	struct canvas *canvas; /* NULL: they are only counted. */
	int left, right;       /* Columns of the pane. */
	int top, bottom;       /* Rows of the pane. */
	int row;               /* Where the next line is. */
	int count;
};

/* The next line's row; -1: it is not on the screen. */
static int next_row(struct lines *l)
{
	int row = l->row++;

	l->count++;
	return (
	    l->canvas != NULL && row >= l->top && row < l->bottom ? row : -1);
}

static bool day_of(uint64_t ms, struct tm *tm)
{
	time_t seconds = (time_t)(ms / SN_MS_PER_S);

	return (localtime_r(&seconds, tm) != NULL);
}

static bool other_day(
    const struct talk_message *a, const struct talk_message *b)
{
	struct tm x, y;

	return (day_of(a->time, &x) && day_of(b->time, &y) &&
		(x.tm_yday != y.tm_yday || x.tm_year != y.tm_year));
}

/* A word between two rules. */
static void rule(struct lines *l, const char *word)
{
	int row = next_row(l), col;

	if (row < 0)
		return;
	for (col = l->left; col < l->right; col++)
		(void)canvas_put(l->canvas, row, col, l->right,
		    sn_bytes_of("─"), CANVAS_DIM);
	col = l->left + 2;
	if (col + (int)strlen(word) + 2 < l->right) {
		col = canvas_put(l->canvas, row, col, l->right,
		    sn_bytes_of(" "), CANVAS_DIM);
		col = canvas_put(l->canvas, row, col, l->right,
		    sn_bytes_of(word), CANVAS_DIM);
		(void)canvas_put(l->canvas, row, col, l->right,
		    sn_bytes_of(" "), CANVAS_DIM);
	}
}

static bool is_new(const struct talk *talk, size_t i)
{
	const struct talk_message *m = talk->all[i];

	return (m->state == TALK_STORED && !m->own && m->seq > talk->opened);
}

/* Whether it is the first of those that were not read when we came. */
static bool first_new(const struct talk *talk, size_t i)
{
	if (!is_new(talk, i))
		return (false);
	while (i-- > 0 && talk->all[i]->seq > talk->opened) {
		if (is_new(talk, i))
			return (false);
	}
	return (true);
}

static void rules_before(struct lines *l, const struct talk *talk, size_t i)
{
	const struct talk_message *m = talk->all[i];
	struct tm tm;
	char day[32];

	if ((i == 0 ? !talk->more : other_day(talk->all[i - 1], m)) &&
	    day_of(m->time, &tm) &&
	    strftime(day, sizeof(day), "%Y-%m-%d", &tm) > 0)
		rule(l, day);
	if (first_new(talk, i))
		rule(l, "new");
}

/* "09:30 bob: "; returns the column behind it. */
static int prefix(struct lines *l, int row, const struct talk_message *m)
{
	char clock[16] = "";
	struct tm tm;
	int col = l->left;

	if (l->right - l->left >= CLOCK_FROM && day_of(m->time, &tm))
		(void)strftime(clock, sizeof(clock), "%H:%M ", &tm);
	if (row >= 0) {
		col = canvas_put(l->canvas, row, col, l->right,
		    sn_bytes_of(clock), CANVAS_DIM);
		col = canvas_put(l->canvas, row, col, l->right,
		    sn_bytes_of(m->state == TALK_NOTE ? "*" : m->from),
		    m->state == TALK_NOTE ? CANVAS_DIM : CANVAS_BOLD);
		(void)canvas_put(l->canvas, row, col, l->right,
		    sn_bytes_of(m->state == TALK_NOTE ? " " : ": "),
		    CANVAS_BOLD);
	}
	return (l->left + (int)strlen(clock) +
		(m->state == TALK_NOTE ? 2 : (int)strlen(m->from) + 2));
}

/* Text from ${col} of the row on, its later lines indented; *${row} becomes
 * the last one.  Returns the column behind the last line. */
static int flow(struct lines *l, struct sn_bytes text, int *row, int col,
    int indent, enum canvas_style style)
{
	size_t at = 0, end, next;
	int width = l->right - col, behind = col;

	/* Where there is little room beside a long name, below it. */
	if (width < 12 && col > indent && text.n > 0 &&
	    text_width(text) > width) {
		*row = next_row(l);
		col = indent;
		width = l->right - col;
	}
	do {
		struct sn_bytes part;

		end = text_line(text, at, width, TEXT_WORDS, &next);
		part = (struct sn_bytes){ (const char *)text.p + at, end - at };
		behind = col + text_width(part);
		if (*row >= 0)
			(void)canvas_put(
			    l->canvas, *row, col, l->right, part, style);
		at = next;
		if (at < text.n)
			*row = next_row(l);
		col = indent;
		width = l->right - indent;
	} while (at < text.n);
	return (behind);
}

/* How far it has come is said of the last one that has come so far. */
static const char *mark_of(
    const struct talk *talk, size_t i, char *out, size_t size)
{
	char next[64];

	(void)talk_mark(talk, i, out, size);
	for (size_t j = i + 1; out[0] != '\0' && j < talk->count; j++) {
		if (!talk->all[j]->own || talk->all[j]->state == TALK_REFUSED)
			continue;
		if (strcmp(talk_mark(talk, j, next, sizeof(next)), out) == 0)
			out[0] = '\0';
		break;
	}
	return (out);
}

static void mark(
    struct lines *l, const struct talk *talk, size_t i, int row, int behind)
{
	char text[64];
	int width = (int)strlen(mark_of(talk, i, text, sizeof(text)));

	if (width == 0)
		return;
	if (behind + 2 + width > l->right)
		row = next_row(l);
	if (row >= 0)
		(void)canvas_put(l->canvas, row,
		    width < l->right - l->left ? l->right - width : l->left,
		    l->right, sn_bytes_of(text), CANVAS_DIM);
}

/* All lines of the i-th message, from l->row on; returns how many. */
static int lines_of(struct lines *l, const struct talk *talk, size_t i)
{
	const struct talk_message *m = talk->all[i];
	struct sn_bytes body = { m->body, m->n };
	int indent = l->left + (l->right - l->left >= CLOCK_FROM ? INDENT : 2);
	char other[128], why[600];
	int row, behind;

	l->count = 0;
	rules_before(l, talk, i);
	if (strncmp(m->type, "text/", 5) != 0) {
		(void)snprintf(
		    other, sizeof(other), "[%s, %zu bytes]", m->type, m->n);
		body = sn_bytes_of(other);
	}
	row = next_row(l);
	behind = flow(l, body, &row, prefix(l, row, m), indent,
	    m->state == TALK_NOTE ? CANVAS_DIM : CANVAS_PLAIN);
	mark(l, talk, i, row, behind);
	if (m->state == TALK_REFUSED) {
		(void)snprintf(why, sizeof(why), "not sent: %s",
		    m->why != NULL ? m->why : "out of memory");
		row = next_row(l);
		(void)flow(
		    l, sn_bytes_of(why), &row, indent, indent, CANVAS_ALERT);
	}
	return (l->count);
}

static struct lines over(const struct model *model, struct canvas *canvas,
    const struct view_frame *f)
{
	struct lines l = { .model = model, .canvas = canvas };

	l.left = f->left > 0 ? f->left + 1 : 0;
	l.right = f->cols;
	l.top = f->header;
	l.bottom = f->header + f->pane;
	return (l);
}

/* The lowest message on the screen; count: there is none. */
static size_t lowest(const struct talk *talk)
{
	size_t i = talk->count;

	while (
	    talk->anchor != NULL && i > 0 && talk->all[i - 1] != talk->anchor)
		i--;
	return (i > 0 ? i - 1 : talk->count);
}

struct view_seen view_messages(const struct model *model, struct canvas *canvas,
    const struct view_frame *f)
{
	const struct talk *talk = model->shown;
	struct view_seen seen = { true, 0 };
	struct lines count = over(model, NULL, f);
	struct lines draw = over(model, canvas, f);
	int bottom = draw.bottom + (talk->anchor != NULL ? talk->below : 0);
	size_t i = lowest(talk);

	if (i == talk->count || f->pane == 0)
		return (seen);
	for (;; i--) {
		int n = lines_of(&count, talk, i);

		if (seen.seq == 0 && bottom <= draw.bottom)
			seen.seq = talk->all[i]->seq;
		draw.row = bottom - n;
		(void)lines_of(&draw, talk, i);
		bottom -= n;
		if (bottom < draw.top || i == 0)
			break;
	}
	seen.top = i == 0 && bottom >= draw.top;
	return (seen);
}

/* The anchor ${below} lines below the bottom of the i-th message. */
static void anchor(struct talk *talk, size_t i, int below)
{
	bool end = i + 1 == talk->count && below <= 0;

	talk->anchor = end ? NULL : talk->all[i];
	talk->below = end ? 0 : below;
}

void view_move(struct model *model, const struct view_frame *f, int lines)
{
	struct talk *talk = model->shown;
	struct lines l = over(model, NULL, f);
	size_t i = lowest(talk), j;
	int below = (talk->anchor != NULL ? talk->below : 0) + lines, n, above;

	if (i == talk->count)
		return;
	while (below < 0 && i + 1 < talk->count)
		below += lines_of(&l, talk, ++i);
	while (below >= (n = lines_of(&l, talk, i)) && i > 0) {
		below -= n;
		i--;
	}
	below = below < 0 ? 0 : below >= n ? n - 1 : below;
	/* The pane stays full, as far as there is something. */
	above = lines_of(&l, talk, i) - below;
	for (j = i; j > 0 && above < f->pane; j--)
		above += lines_of(&l, talk, j - 1);
	below -= above < f->pane ? f->pane - above : 0;
	while (below < 0 && i + 1 < talk->count)
		below += lines_of(&l, talk, ++i);
	anchor(talk, i, below);
}
