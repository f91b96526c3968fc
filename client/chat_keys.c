#include "client/chat_internal.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "lib/clock.h"

#define TELL_TYPING_S 4 /* No oftener. */

struct sn_bytes chat_utf8(uint32_t rune, char *out)
{
	mbstate_t state = { 0 };
	size_t n = wcrtomb(out, (wchar_t)rune, &state);

	return ((struct sn_bytes){ out, n <= MB_LEN_MAX ? n : 0 });
}

void chat_too_long(struct chat *c, size_t n)
{
	model_tell(c->model, true,
	    "too long by %zu bytes (%d at most); nothing of it was taken",
	    n - SN_FRAME_BODY_MAX, SN_FRAME_BODY_MAX);
}

/* The others see that somebody types. */
static void tell_typing(struct chat *c)
{
	struct model *m = c->model;

	if (m->link != MODEL_ONLINE || m->shown == NULL || m->edit.n == 0 ||
	    m->edit.text[0] == '/' || m->shown->gone ||
	    (c->typing != 0 &&
		m->now < c->typing + TELL_TYPING_S * SN_NS_PER_S))
		return;
	c->typing = m->now;
	(void)core_signal(c->app->core, m->shown->name, "typing");
}

bool chat_insert(struct chat *c, struct sn_bytes text)
{
	struct edit *edit = &c->model->edit;

	if (!edit_insert(edit, text)) {
		chat_too_long(c, edit->n + text.n);
		return (false);
	}
	tell_typing(c);
	return (true);
}

static enum sn_err say(struct chat *c, struct sn_bytes text)
{
	struct model *m = c->model;
	struct core_message message = {
		.to = m->shown->name, .type = "text/plain", .body = text
	};
	uint32_t ref;
	enum sn_err err;

	core_id(message.id);
	err = core_send(c->app->core, &message, &ref);
	if (err == SN_EFULL) {
		model_tell(m, true,
		    "%d messages wait to be stored already; send it when they "
		    "are",
		    CORE_SENDS);
		return (SN_OK);
	}
	if (err != SN_OK)
		return (err);
	err = talk_say(
	    m->shown, ref, message.id, m->me, sn_clock_wall_ms(), text);
	edit_set(&m->edit, sn_bytes_of(""));
	m->shown->anchor = NULL;
	m->shown->opened = TALK_NOT;
	c->typing = 0;
	chat_remember(c);
	return (err);
}

static enum sn_err enter(struct chat *c)
{
	struct model *m = c->model;
	struct sn_bytes text = edit_text(&m->edit);
	const char *p = text.p;
	char line[1024];

	if (text.n == 0)
		return (SN_OK);
	if (p[0] == '/' && (text.n < 2 || p[1] != '/')) {
		if (text.n > sizeof(line)) {
			model_tell(m, true, "a command is not that long");
			return (SN_OK);
		}
		/* What it does may change what is being typed. */
		memcpy(line, p, text.n);
		edit_set(&m->edit, sn_bytes_of(""));
		return (chat_command(c, (struct sn_bytes){ line, text.n }));
	}
	if (m->shown == NULL || m->shown->gone) {
		model_tell(m, true,
		    m->shown == NULL ? "with whom?  /open NAME, or /help"
				     : "you are not in this room any more");
		return (SN_OK);
	}
	if (p[0] == '/')
		text = (struct sn_bytes){ p + 1, text.n - 1 };
	return (say(c, text));
}

static void scroll(struct chat *c, int lines)
{
	struct talk *t = c->model->shown;

	view_scroll(c->model, &c->canvas, lines);
	if (lines > 0 && c->seen.top && t != NULL && t->more && talk_full(t))
		model_tell(c->model, false,
		    "what is older: sicher history '%s' --before %llu", t->name,
		    (unsigned long long)talk_first(t));
}

/* Keys that change what is typed; whether it was one. */
static bool edits(struct chat *c, enum screen_key key)
{
	static const struct {
		enum screen_key key;
		bool erases;
		enum edit_move how;
	} moves[] = {
		{ SCREEN_LEFT, false, EDIT_LEFT },
		{ SCREEN_RIGHT, false, EDIT_RIGHT },
		{ SCREEN_WORD_LEFT, false, EDIT_WORD_LEFT },
		{ SCREEN_WORD_RIGHT, false, EDIT_WORD_RIGHT },
		{ SCREEN_START, false, EDIT_START },
		{ SCREEN_END, false, EDIT_END },
		{ SCREEN_BACKSPACE, true, EDIT_LEFT },
		{ SCREEN_DELETE, true, EDIT_RIGHT },
		{ SCREEN_ERASE_WORD, true, EDIT_WORD_LEFT },
		{ SCREEN_ERASE_START, true, EDIT_START },
		{ SCREEN_ERASE_END, true, EDIT_END },
	};

	for (size_t i = 0; i < sizeof(moves) / sizeof(*moves); i++) {
		if (moves[i].key != key)
			continue;
		if (moves[i].erases)
			edit_erase(&c->model->edit, moves[i].how);
		else
			edit_move(&c->model->edit, moves[i].how);
		return (true);
	}
	return (false);
}

/* Keys that change what is looked at; whether it was one. */
static bool looks(struct chat *c, enum screen_key key)
{
	struct model *m = c->model;
	int page = view_height(m, &c->canvas) - 1;

	switch (key) {
	case SCREEN_UP:
		scroll(c, 1);
		return (true);
	case SCREEN_DOWN:
		scroll(c, -1);
		return (true);
	case SCREEN_PAGE_UP:
		scroll(c, page > 1 ? page : 1);
		return (true);
	case SCREEN_PAGE_DOWN:
		scroll(c, page > 1 ? -page : -1);
		return (true);
	case SCREEN_NEXT:
		model_step(m, MODEL_NEXT);
		return (true);
	case SCREEN_PREVIOUS:
		model_step(m, MODEL_PREVIOUS);
		return (true);
	case SCREEN_HELP:
		chat_help(c);
		return (true);
	case SCREEN_REDRAW:
	case SCREEN_RESIZED:
		c->whole = true;
		return (true);
	default:
		return (false);
	}
}

static void escape(struct chat *c)
{
	if (c->model->shown != NULL)
		c->model->shown->anchor = NULL;
}

static enum sn_err press(struct chat *c, const struct screen_typed *typed)
{
	struct model *m = c->model;
	char one[MB_LEN_MAX];

	if (edits(c, typed->key) || looks(c, typed->key))
		return (SN_OK);
	switch (typed->key) {
	case SCREEN_TEXT:
		(void)chat_insert(c, chat_utf8(typed->rune, one));
		return (SN_OK);
	case SCREEN_BREAK:
		(void)chat_insert(c, sn_bytes_of("\n"));
		return (SN_OK);
	case SCREEN_ENTER:
		return (enter(c));
	case SCREEN_TAB:
		if (m->edit.n > 0 && m->edit.text[0] == '/')
			chat_complete(&m->edit);
		else
			model_step(m, MODEL_UNREAD);
		return (SN_OK);
	case SCREEN_ESCAPE:
		escape(c);
		return (SN_OK);
	case SCREEN_PASTE:
		return (chat_paste_begin(c));
	case SCREEN_CTRL_C:
		if (m->edit.n > 0)
			edit_set(&m->edit, sn_bytes_of(""));
		else
			chat_leave(c);
		return (SN_OK);
	case SCREEN_CTRL_D:
		if (m->edit.n > 0)
			edit_erase(&m->edit, EDIT_RIGHT);
		else
			chat_leave(c);
		return (SN_OK);
	case SCREEN_SUSPEND:
		screen_suspend();
		c->whole = true;
		return (SN_OK);
	case SCREEN_ENDED:
		c->over = true;
		return (SN_OK);
	default:
		return (SN_OK);
	}
}

enum sn_err chat_press(struct chat *c, const struct screen_typed *typed)
{
	struct model *m = c->model;
	enum screen_key key = typed->key;
	bool scrolls = key == SCREEN_UP || key == SCREEN_DOWN ||
		       key == SCREEN_PAGE_UP || key == SCREEN_PAGE_DOWN ||
		       key == SCREEN_RESIZED || key == SCREEN_REDRAW;

	if (c->paste.text != NULL) {
		chat_paste_key(c, typed);
		return (SN_OK);
	}
	if (key != SCREEN_RESIZED)
		m->notice[0] = '\0';
	if (m->page_title[0] != '\0' && !scrolls) {
		model_leave(m);
		if (key == SCREEN_ESCAPE || key == SCREEN_ENTER)
			return (SN_OK);
	}
	return (press(c, typed));
}
