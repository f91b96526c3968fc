#include "client/chat_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/expiry.h"
#include "client/roster.h"
#include "client/safe.h"
#include "lib/clock.h"

#define AT_ONCE 256 /* Events between two drawings. */
#define DAY 86400

enum sn_err chat_open(struct chat *c, struct sn_bytes name)
{
	struct talk *talk;
	enum sn_err err = model_open(c->model, name, &talk);

	if (err != SN_OK)
		return (err);
	model_show(c->model, talk);
	/* One that was left may be had again. */
	if (talk->gone) {
		talk->gone = false;
		talk->wants_history = talk->wants_presence = true;
	}
	return (SN_OK);
}

void chat_remember(struct chat *c)
{
	struct roster roster = { .n = 0 };

	for (size_t i = 0; i < c->model->talk_count; i++) {
		const struct talk *t = c->model->talks[i];

		if (!talk_is_room(t))
			roster_add(&roster, sn_bytes_of(t->name));
	}
	if (roster_save(c->app->profile.state, &roster, &c->app->why) != SN_OK)
		model_tell(c->model, true, "%s", c->app->why.text);
}

void chat_leave(struct chat *c)
{
	size_t n = core_sends(c->app->core);

	if (n == 0 || c->leaving) {
		c->over = true;
		return;
	}
	c->leaving = true;
	model_tell(c->model, true,
	    "%zu message%s not sent yet; once more, and %s lost", n,
	    n == 1 ? " is" : "s are", n == 1 ? "it is" : "they are");
}

static enum sn_err on_message(struct chat *c, const struct core_event *ev)
{
	struct model *m = c->model;
	size_t before = m->talk_count;
	enum sn_err err = model_message(m, &ev->message);

	if (err == SN_OK && m->talk_count != before)
		chat_remember(c);
	c->got = ev->message.seq;
	return (err);
}

static enum sn_err on_refused(struct chat *c, const struct core_event *ev)
{
	if (ev->ref == 0) {
		c->app->why = ev->why;
		memcpy(c->app->code, ev->code, sizeof(ev->code));
		return (ev->err);
	}
	if (model_refused(c->model, ev->ref, ev->why.text))
		return (SN_OK);
	return (chat_answer(c, ev));
}

/* A password is asked for as on any terminal. */
static enum sn_err on_question(struct chat *c, const struct core_event *ev)
{
	enum sn_err err;

	screen_pause();
	err = app_answer(c->app, ev);
	screen_resume();
	c->whole = true;
	return (err);
}

static void on_ready(struct chat *c)
{
	model_ready(c->model);
	c->wants_rooms = true;
	c->typing = 0;
	if (c->model->away)
		(void)core_away(c->app->core, true);
}

static void on_notice(struct chat *c, const struct core_event *ev)
{
	char text[1024];

	model_tell(c->model, false, "the server says: %.400s",
	    safe_line(ev->notice.text, text, sizeof(text)));
}

static enum sn_err on_event(struct chat *c, struct core_event *ev)
{
	struct model *m = c->model;
	uint64_t again = sn_clock_mono() + ev->retry_ms * SN_NS_PER_MS;

	switch (ev->type) {
	case CORE_PASSWORD:
	case CORE_CHOOSE:
		return (on_question(c, ev));
	case CORE_WAIT:
		model_lost(m, "the server is busy", again);
		return (SN_OK);
	case CORE_LOST:
		chat_lost(c);
		model_lost(m, ev->why.text, again);
		return (SN_OK);
	case CORE_READY:
		on_ready(c);
		return (SN_OK);
	case CORE_SYNCED:
		if (ev->again) {
			model_reset(m);
			model_tell(m, true, "%s", ev->why.text);
		}
		return (SN_OK);
	case CORE_MESSAGE:
		return (on_message(c, ev));
	case CORE_STORED:
		model_stored(m, &ev->stored);
		c->leaving = false;
		return (SN_OK);
	case CORE_REFUSED:
		return (on_refused(c, ev));
	case CORE_RECEIPT:
		model_receipt(m, &ev->receipt);
		return (SN_OK);
	case CORE_PRESENCE:
		if (ev->ref != 0)
			return (chat_answer(c, ev));
		model_presence(m, NULL, &ev->presence);
		return (SN_OK);
	case CORE_SIGNALED:
		model_signaled(m, &ev->signaled);
		return (SN_OK);
	case CORE_ROOM_CHANGED:
		/* A new topic is in the list of rooms. */
		c->wants_rooms = true;
		return (model_room_changed(
		    m, &ev->room_changed, sn_clock_wall_ms()));
	case CORE_NOTICE:
		on_notice(c, ev);
		return (SN_OK);
	case CORE_OVER:
		app_over(c->app, ev, ev->err);
		return (ev->err);
	default:
		return (chat_answer(c, ev));
	}
}

/* What has come; true when there may be more. */
static bool take_events(struct chat *c, enum sn_err *err)
{
	struct core_event ev;
	unsigned n = 0;

	while (*err == SN_OK && n++ < AT_ONCE) {
		if (!core_next(c->app->core, &ev))
			return (false);
		*err = on_event(c, &ev);
	}
	return (true);
}

static enum sn_err take_keys(struct chat *c)
{
	struct screen_typed typed;
	enum sn_err err = SN_OK;

	while (err == SN_OK && !c->over) {
		screen_key(&typed);
		if (typed.key == SCREEN_NONE)
			break;
		err = chat_press(c, &typed);
	}
	return (err);
}

static enum sn_err draw(struct chat *c)
{
	struct model *m = c->model;
	struct talk *t = m->shown;
	int rows, cols;
	enum sn_err err;

	screen_size(&rows, &cols);
	if ((err = canvas_size(&c->canvas, rows, cols)) != SN_OK)
		return (err);
	c->seen = view_draw(m, &c->canvas);
	if (m->link == MODEL_ONLINE && model_read(m, c->seen.seq)) {
		(void)core_read(c->app->core, t->name, c->seen.seq);
		c->seen = view_draw(m, &c->canvas);
	}
	if (c->seen.top && t != NULL && t->more && !t->asked_older &&
	    !talk_full(t))
		t->wants_older = true;
	screen_show(&c->canvas, c->whole);
	c->whole = false;
	return (SN_OK);
}

/* Until a message expires, ns; in a day it is looked at again. */
static uint64_t until_end(uint64_t ends, uint64_t now)
{
	uint64_t ms = ends <= now ? 0 : ends - now;

	return (
	    SN_NS_PER_MS * (ms > DAY * SN_MS_PER_S ? DAY * SN_MS_PER_S : ms));
}

/* When the screen changes although nothing happens. */
static uint64_t next_change(const struct chat *c)
{
	const struct model *m = c->model;
	uint64_t at = chat_paste_next(c), server = core_now(c->app->core);

	if (c->ends != 0 && m->now + until_end(c->ends, server) < at)
		at = m->now + until_end(c->ends, server);
	if (m->link == MODEL_LOST && m->link_at > m->now &&
	    m->now + SN_NS_PER_S < at)
		at = m->now + SN_NS_PER_S;
	for (size_t i = 0; m->shown != NULL && i < m->shown->peer_count; i++) {
		uint64_t until = m->shown->peers[i].typing;

		if (until > m->now && until < at)
			at = until;
	}
	return (at);
}

static void wait_for(struct chat *c)
{
	struct pollfd fds[APP_POLL] = {
		{ STDIN_FILENO, POLLIN, 0 },
		{ screen_signals(), POLLIN, 0 },
	};

	app_poll(c->app, fds, 2, next_change(c));
	if ((fds[0].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0)
		c->over = true;
}

static enum sn_err converse(struct chat *c)
{
	enum sn_err err = SN_OK;

	while (err == SN_OK && !c->over) {
		bool more = false;

		/* In this order: what was typed is sent by core_next. */
		if ((err = take_keys(c)) == SN_OK)
			more = take_events(c, &err);
		if (err == SN_OK && c->got != 0)
			err = core_handled(c->app->core, c->got, &c->app->why);
		c->got = 0;
		if (err != SN_OK)
			break;
		c->model->now = sn_clock_mono();
		chat_paste_look(c);
		c->ends = model_expire(c->model, core_now(c->app->core));
		if ((err = draw(c)) == SN_OK) {
			chat_ask(c);
			if (!more && !c->over)
				wait_for(c);
		}
		c->model->now = sn_clock_mono();
	}
	return (err);
}

static enum sn_err remembered(void *arg, struct sn_bytes name)
{
	struct talk *talk;

	return (model_open(arg, name, &talk));
}

static void warn_of_end(struct chat *c)
{
	int64_t end =
	    (int64_t)(core_welcome(c->app->core)->not_after / SN_MS_PER_S);
	int64_t left = end - sn_clock_wall_s();

	if (end != 0 && expiry_step(left) != 0)
		model_tell(c->model, true,
		    "your certificate ends in %d days; ask your administrator "
		    "for a new one",
		    (int)(left / DAY));
}

static enum sn_err begin(struct chat *c, const char *with)
{
	const struct core_welcome *w = core_welcome(c->app->core);
	enum sn_err err = model_new(w->account, w->server, &c->model);

	if (err != SN_OK)
		return (err);
	c->wants_rooms = true;
	err = roster_load(c->app->profile.state, c->model, remembered);
	if (err == SN_OK && with != NULL)
		err = chat_open(c, sn_bytes_of(with));
	warn_of_end(c);
	return (err);
}

enum sn_err chat_screen(struct app *app, const char *with)
{
	struct chat *c = calloc(1, sizeof(*c));
	struct sn_frame_synced synced;
	size_t unsent;
	enum sn_err err;

	if (c == NULL)
		return (SN_ENOMEM);
	c->app = app;
	if ((err = chat_follow(app, &synced)) == SN_OK &&
	    (err = screen_open(&app->why)) == SN_OK) {
		c->cursor = synced.cursor;
		if ((err = begin(c, with)) == SN_OK)
			err = converse(c);
		screen_close();
	}
	unsent = core_sends(app->core);
	if (err == SN_OK && unsent > 0)
		err = sn_why(&app->why, SN_ETIMEOUT, "%zu message%s not sent",
		    unsent, unsent == 1 ? " was" : "s were");
	canvas_free(&c->canvas);
	chat_paste_free(&c->paste);
	model_free(c->model);
	free(c);
	return (err);
}
