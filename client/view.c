#include "client/view.h"

#include <stdio.h>
#include <string.h>

#include "client/text.h"
#include "client/view_internal.h"
#include "lib/clock.h"

#define LIST_FROM 60 /* Columns from which on there is room for a list. */
#define LIST_LEAST 14
#define LIST_MOST 26

struct view_frame view_frame(const struct model *model, int rows, int cols)
{
	struct view_frame f = { 0 };
	struct sn_bytes text = edit_text(&model->edit);
	size_t next = 0;
	int lines = 1, most = rows / 3;

	f.prompt = cols > 8 ? 2 : 0;
	for (size_t at = 0; at < text.n; at = next) {
		size_t end =
		    text_line(text, at, cols - f.prompt, TEXT_HARD, &next);

		lines += next < text.n ||
			 (end < next && text.n > 0); /* A break at the end. */
	}
	f.input = lines < most ? lines : most;
	f.input = f.input < 1 ? 1 : f.input;
	f.status = rows >= 3;
	f.header = rows >= 5;
	f.pane = rows - f.input - f.status - f.header;
	f.pane = f.pane < 0 ? 0 : f.pane;
	if (cols >= LIST_FROM) {
		f.list = cols / 5;
		f.list = f.list < LIST_LEAST ? LIST_LEAST : f.list;
		f.list = f.list > LIST_MOST ? LIST_MOST : f.list;
	}
	f.left = f.list > 0 ? f.list + 1 : 0;
	f.cols = cols;
	return (f);
}

static int put(struct canvas *canvas, int row, int col, int end,
    const char *text, enum canvas_style style)
{
	return (canvas_put(canvas, row, col, end, sn_bytes_of(text), style));
}

/* At the right edge, if there is room behind ${col}. */
static int put_right(struct canvas *canvas, int row, int col, int end,
    const char *text, enum canvas_style style)
{
	int from = end - text_width(sn_bytes_of(text));

	if (text[0] == '\0' || from <= col)
		return (end);
	(void)put(canvas, row, from, end, text, style);
	return (from - 1);
}

static const char *count_of(const struct talk *talk, char *out, size_t size)
{
	bool more;
	size_t n = talk_unread(talk, &more);

	out[0] = '\0';
	if (n > 0)
		(void)snprintf(out, size, "%zu%s", n, more ? "+" : "");
	return (out);
}

static const struct talk_peer *other(const struct talk *talk)
{
	for (size_t i = 0; i < talk->peer_count && !talk_is_room(talk); i++) {
		if (strcmp(talk->peers[i].name, talk->name) == 0)
			return (talk->peers + i);
	}
	return (NULL);
}

static const char *sign_of(const struct talk *talk)
{
	const struct talk_peer *p = other(talk);

	if (p == NULL)
		return (" ");
	return (strcmp(p->state, "online") == 0 ? "●"
		: strcmp(p->state, "away") == 0 ? "○"
						: " ");
}

static void list_row(const struct model *model, struct canvas *canvas, int row,
    int width, const struct talk *talk)
{
	bool shown = talk == model->shown;
	char count[32];
	enum canvas_style style = shown                        ? CANVAS_CHOSEN
				  : *count_of(talk, count, 32) ? CANVAS_BOLD
							       : CANVAS_PLAIN;
	int end = width;

	canvas_fill(canvas, row, 0, width, style);
	(void)put(canvas, row, 0, 1, sign_of(talk), style);
	end = put_right(canvas, row, 4, end, count_of(talk, count, 32), style);
	(void)put(canvas, row, 1, end, talk->name, style);
}

/* The list is as far down as is needed for the one that is shown. */
static void draw_list(const struct model *model, struct canvas *canvas,
    const struct view_frame *f)
{
	int rows = f->header + f->pane, first = 0;

	for (size_t i = 0; i < model->talk_count; i++) {
		if (model->talks[i] == model->shown && (int)i >= rows)
			first = (int)i - rows + 1;
	}
	for (int row = 0; row < rows; row++) {
		size_t i = (size_t)(first + row);

		(void)put(canvas, row, f->list, f->cols, "│", CANVAS_DIM);
		if (i < model->talk_count)
			list_row(model, canvas, row, f->list, model->talks[i]);
	}
}

static void room_state(const struct talk *talk, char *out, size_t size)
{
	unsigned online = 0;

	for (size_t i = 0; i < talk->peer_count; i++)
		online += strcmp(talk->peers[i].state, "online") == 0;
	if (talk->gone)
		(void)snprintf(out, size, "you are not in it");
	else if (talk->members > 0)
		(void)snprintf(out, size, "%llu member%s, %u online",
		    (unsigned long long)talk->members,
		    talk->members == 1 ? "" : "s", online + 1);
}

static void draw_header(const struct model *model, struct canvas *canvas,
    const struct view_frame *f)
{
	const struct talk *talk = model->shown;
	const struct talk_peer *p;
	char state[96] = "";
	int col, end = f->cols;

	canvas_fill(canvas, 0, f->left, f->cols, CANVAS_BAR);
	if (model->page_title[0] != '\0') {
		(void)put(
		    canvas, 0, f->left + 1, end, model->page_title, CANVAS_BAR);
		return;
	}
	if (talk == NULL) {
		(void)put(
		    canvas, 0, f->left + 1, end, "SicherNetz", CANVAS_BAR);
		return;
	}
	if (talk_is_room(talk))
		room_state(talk, state, sizeof(state));
	else if ((p = other(talk)) != NULL)
		(void)snprintf(state, sizeof(state), "%s", p->state);
	col = put(canvas, 0, f->left + 1, end, talk->name, CANVAS_BAR);
	end = put_right(canvas, 0, col + 1, end - 1, state, CANVAS_BAR);
	if (talk->topic[0] != '\0')
		(void)put(canvas, 0, col + 2, end - 1, talk->topic, CANVAS_BAR);
}

/* What is said on the left of the status line, by what matters most. */
static enum canvas_style status_text(
    const struct model *model, char *out, size_t size)
{
	uint64_t left = model->link_at > model->now
			    ? (model->link_at - model->now) / SN_NS_PER_S + 1
			    : 0;

	if (model->notice[0] != '\0') {
		(void)snprintf(out, size, "%s", model->notice);
		return (model->alarming ? CANVAS_ALERT : CANVAS_BAR);
	}
	if (model->link == MODEL_LOST) {
		(void)snprintf(out, size, "NOT CONNECTED, %s%.0llu%s: %s",
		    left > 0 ? "again in " : "connecting",
		    (unsigned long long)left, left > 0 ? " s" : "",
		    model->link_why);
		return (CANVAS_ALERT);
	}
	if (*model_typing(model, out, size) == '\0')
		(void)snprintf(out, size, "%s on %s%s", model->me,
		    model->server, model->away ? " (away)" : "");
	return (CANVAS_BAR);
}

static void status_right(const struct model *model, const struct view_frame *f,
    char *out, size_t size)
{
	const struct talk *talk = model->shown;
	size_t unread = model_unread(model);

	if (model->page_title[0] != '\0')
		(void)snprintf(out, size, "Esc: back");
	else if (talk != NULL && talk->anchor != NULL)
		(void)snprintf(out, size, "there is more below");
	else if (f->list == 0 && unread > 0)
		(void)snprintf(out, size, "+%zu", unread);
	else
		(void)snprintf(out, size, "/help");
}

static void draw_status(const struct model *model, struct canvas *canvas,
    const struct view_frame *f)
{
	int row = f->header + f->pane, end = f->cols;
	char left[1200], right[64];
	enum canvas_style style = status_text(model, left, sizeof(left));

	canvas_fill(canvas, row, 0, f->cols, style);
	status_right(model, f, right, sizeof(right));
	if (style == CANVAS_BAR)
		end = put_right(
		    canvas, row, f->cols / 3, f->cols - 1, right, style);
	(void)put(canvas, row, f->cols > 8 ? 1 : 0, end, left, style);
}

/* The part of what is typed around the cursor. */
static void draw_input(const struct model *model, struct canvas *canvas,
    const struct view_frame *f)
{
	struct sn_bytes text = edit_text(&model->edit);
	int top = canvas->rows - f->input, width = f->cols - f->prompt;
	int line = 0, cursor = 0, first = 0;
	size_t at, end, next;

	/* Twice: to find the cursor's line, and to draw. */
	for (int pass = 0; pass < 2; pass++) {
		for (at = 0, line = 0;; at = next, line++) {
			bool last;

			end = text_line(text, at, width, TEXT_HARD, &next);
			last = next >= text.n && end == next;
			if (model->edit.at >= at &&
			    (model->edit.at < next || last ||
				(model->edit.at == end && end < next)))
				cursor = line;
			if (pass == 1 && line >= first &&
			    line < first + f->input)
				(void)canvas_put(canvas, top + line - first,
				    f->prompt, f->cols,
				    (struct sn_bytes){
					(const char *)text.p + at, end - at },
				    CANVAS_PLAIN);
			if (pass == 1 && line == cursor) {
				canvas->cursor_row = top + line - first;
				canvas->cursor_col =
				    f->prompt + text_width((struct sn_bytes){
						    (const char *)text.p + at,
						    model->edit.at - at });
			}
			if (last)
				break;
		}
		first = cursor >= f->input ? cursor - f->input + 1 : 0;
	}
	if (f->prompt > 0)
		(void)put(canvas, top, 0, f->prompt, "> ", CANVAS_BOLD);
	if (canvas->cursor_col >= f->cols)
		canvas->cursor_col = f->cols - 1;
}

static void draw_page(const struct model *model, struct canvas *canvas,
    const struct view_frame *f)
{
	struct sn_bytes text = { model->page, model->page_n };
	int width = f->cols - f->left - 2;
	size_t line = 0, next, end;

	for (size_t at = 0; at < text.n; at = next, line++) {
		end = text_line(text, at, width, TEXT_WORDS, &next);
		if (line < model->page_top ||
		    line >= model->page_top + (size_t)f->pane)
			continue;
		(void)canvas_put(canvas,
		    f->header + (int)(line - model->page_top), f->left + 1,
		    f->cols,
		    (struct sn_bytes){ (const char *)text.p + at, end - at },
		    CANVAS_PLAIN);
	}
}

static int page_lines(const struct model *model, const struct view_frame *f)
{
	struct sn_bytes text = { model->page, model->page_n };
	int lines = 0;
	size_t next;

	for (size_t at = 0; at < text.n; at = next, lines++)
		(void)text_line(
		    text, at, f->cols - f->left - 2, TEXT_WORDS, &next);
	return (lines);
}

struct view_seen view_draw(const struct model *model, struct canvas *canvas)
{
	struct view_frame f = view_frame(model, canvas->rows, canvas->cols);
	struct view_seen seen = { false, 0 };

	for (int row = 0; row < canvas->rows; row++)
		canvas_fill(canvas, row, 0, canvas->cols, CANVAS_PLAIN);
	if (f.list > 0)
		draw_list(model, canvas, &f);
	if (f.header > 0)
		draw_header(model, canvas, &f);
	if (model->page_title[0] != '\0')
		draw_page(model, canvas, &f);
	else if (model->shown != NULL)
		seen = view_messages(model, canvas, &f);
	if (f.status > 0)
		draw_status(model, canvas, &f);
	draw_input(model, canvas, &f);
	return (seen);
}

void view_scroll(struct model *model, const struct canvas *canvas, int lines)
{
	struct view_frame f = view_frame(model, canvas->rows, canvas->cols);
	int most;

	if (model->page_title[0] == '\0') {
		if (model->shown != NULL)
			view_move(model, &f, lines);
		return;
	}
	most = page_lines(model, &f) - f.pane;
	lines = (int)model->page_top - lines;
	lines = lines > most ? most : lines;
	model->page_top = lines > 0 ? (size_t)lines : 0;
}

int view_height(const struct model *model, const struct canvas *canvas)
{
	return (view_frame(model, canvas->rows, canvas->cols).pane);
}
