#include "client/chat.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/safe.h"
#include "client/show.h"

#define HISTORY 20
#define WAITING_MOST 64 /* Lines not yet stored; then we stop reading. */

/* A conversation, line by line: what is typed goes out, what comes is shown. */
struct chat {
	struct app *app;
	const char *with;
	uint64_t seen;  /* Up to here history has shown it. */
	uint64_t since; /* The log's end when we came. */
	uint32_t read_ref, presence_ref;
	uint64_t said;  /* The last that was stored of what we said here. */
	uint64_t read;  /* Up to here the other one is known to have read. */
	char state[64]; /* Whether the other one is there, as we last said. */
	char line[SN_FRAME_BODY_MAX + 1];
	size_t have;
	bool ended, failed;
};

static bool belongs(const struct chat *c, const struct sn_frame_deliver *m)
{
	struct sn_bytes with = sn_bytes_of(c->with);
	struct sn_bytes me = sn_bytes_of(core_welcome(c->app->core)->account);

	if (c->with[0] == '#')
		return (sn_bytes_equal(m->to, with));
	return ((sn_bytes_equal(m->from, with) && sn_bytes_equal(m->to, me)) ||
		(sn_bytes_equal(m->from, me) && sn_bytes_equal(m->to, with)));
}

static enum sn_err show_past(struct chat *c)
{
	struct core_range range = { .limit = HISTORY };
	uint32_t ref = core_history(c->app->core, c->with, &range);
	struct core_event ev;
	enum sn_err err;

	while ((err = app_await(c->app, ref, &ev)) == SN_OK &&
	       ev.type == CORE_ITEM) {
		c->seen = ev.message.seq;
		show_text(
		    &ev.message, core_welcome(c->app->core)->account, stdout);
	}
	(void)fflush(stdout);
	if (err == SN_OK && c->seen != 0)
		(void)core_read(c->app->core, c->with, c->seen);
	return (err);
}

/* A message of another conversation: said that it came, but not what. */
static void hint(const struct chat *c, const struct sn_frame_deliver *m)
{
	struct sn_bytes me = sn_bytes_of(core_welcome(c->app->core)->account);
	const char *to = m->to.p;
	char name[512];

	if (m->seq <= c->since || sn_bytes_equal(m->from, me))
		return;
	(void)safe_line(to[0] == '#' ? m->to : m->from, name, sizeof(name));
	app_say("(a message in another conversation: sicher chat '%s')", name);
}

static enum sn_err on_message(struct chat *c, const struct sn_frame_deliver *m)
{
	const char *me = core_welcome(c->app->core)->account;
	/* What was typed here stands on the screen already. */
	bool own = sn_bytes_equal(m->from, sn_bytes_of(me)) &&
		   sn_bytes_equal(m->device,
		       sn_bytes_of(core_welcome(c->app->core)->device));

	if (!belongs(c, m))
		hint(c, m);
	else if (m->seq > c->seen && (!own || m->seq <= c->since))
		show_text(m, me, stdout);
	if (fflush(stdout) != 0)
		return (sn_why_errno(
		    &c->app->why, SN_EIO, "cannot write messages out"));
	if (belongs(c, m) && m->seq > c->since &&
	    !sn_bytes_equal(m->from, sn_bytes_of(me)))
		c->read_ref = core_read(c->app->core, c->with, m->seq);
	return (core_handled(c->app->core, m->seq, &c->app->why));
}

/* That the last thing we said has arrived is told once for each of them. */
static void on_receipt(struct chat *c, const struct sn_frame_receipt *r)
{
	struct sn_bytes me = sn_bytes_of(core_welcome(c->app->core)->account);
	char who[256];

	if (!sn_bytes_equal(r->with, sn_bytes_of(c->with)) ||
	    sn_bytes_equal(r->account, me) || c->said == 0 || r->seq < c->said)
		return;
	(void)safe_line(r->account, who, sizeof(who));
	if (sn_bytes_equal(r->kind, sn_bytes_of("read"))) {
		c->read = r->seq;
		app_say("(%s has read it)", who);
	} else if (c->with[0] == '#' || c->read < c->said) {
		/* Who reads quickly is known to have read it first. */
		app_say("(%s has got it)", who);
	}
}

/* Of the other one in a conversation of two. */
static void on_presence(struct chat *c, const struct sn_frame_presence *p)
{
	char what[sizeof(c->state)];

	if (!sn_bytes_equal(p->account, sn_bytes_of(c->with)))
		return;
	(void)safe_line(p->state, what, sizeof(what));
	/* The answer to our question may say what we were told meanwhile. */
	if (strcmp(what, c->state) == 0)
		return;
	memcpy(c->state, what, sizeof(c->state));
	app_say("(%s is %s)", c->with, what);
}

static void on_signal(const struct chat *c, const struct sn_frame_signaled *s)
{
	struct sn_bytes with = sn_bytes_of(c->with);
	char who[256];

	if (sn_bytes_equal(s->kind, sn_bytes_of("typing")) &&
	    sn_bytes_equal(c->with[0] == '#' ? s->to : s->from, with))
		app_say("(%s is typing)", safe_line(s->from, who, sizeof(who)));
}

/* Somebody came, went, or changed the room we are in. */
static void on_room(const struct chat *c, const struct sn_frame_room_changed *r)
{
	char who[256], what[64];

	if (!sn_bytes_equal(r->room, sn_bytes_of(c->with)))
		return;
	(void)safe_line(r->account, who, sizeof(who));
	(void)safe_line(r->change, what, sizeof(what));
	if (strcmp(what, "joined") == 0 || strcmp(what, "left") == 0)
		app_say("(%s %s %s)", who, what, c->with);
	else if (strcmp(what, "owner") == 0)
		app_say("(%s is an owner of %s now)", who, c->with);
	else if (strcmp(what, "deleted") == 0)
		app_say("(%s was deleted)", c->with);
}

static enum sn_err on_event(struct chat *c, const struct core_event *ev)
{
	switch (ev->type) {
	case CORE_STORED:
		c->said = ev->stored.seq;
		return (SN_OK);
	case CORE_RECEIPT:
		on_receipt(c, &ev->receipt);
		return (SN_OK);
	case CORE_PRESENCE:
		on_presence(c, &ev->presence);
		return (SN_OK);
	case CORE_SIGNALED:
		on_signal(c, &ev->signaled);
		return (SN_OK);
	case CORE_ROOM_CHANGED:
		on_room(c, &ev->room_changed);
		return (SN_OK);
	case CORE_MESSAGE:
		return (on_message(c, &ev->message));
	case CORE_OVER:
		return (ev->err);
	case CORE_READY:
		app_say("connected again");
		return (SN_OK);
	case CORE_REFUSED:
		/* The room may have gone while we read; and whether the other
		 * one is there may not be for us to know. */
		if (ev->ref == c->read_ref || ev->ref == c->presence_ref)
			return (SN_OK);
		app_say("not sent: %s", ev->why.text);
		c->failed = true;
		c->app->why = ev->why;
		memcpy(c->app->code, ev->code, sizeof(ev->code));
		return (SN_OK);
	default:
		return (SN_OK);
	}
}

static enum sn_err say(struct chat *c, const char *line, size_t n)
{
	struct core_message m = {
		.to = c->with, .type = "text/plain", .body = { line, n }
	};
	enum sn_err err;
	uint32_t ref;

	if (n == 0)
		return (SN_OK);
	core_id(m.id);
	if ((err = core_send(c->app->core, &m, &ref)) != SN_OK)
		return (sn_why(
		    &c->app->why, err, "cannot send: %s", sn_err_text(err)));
	return (SN_OK);
}

/* Send the whole lines that were read; at the end what is left, too. */
static enum sn_err say_lines(struct chat *c)
{
	char *end;
	enum sn_err err = SN_OK;

	while (err == SN_OK && core_sends(c->app->core) < WAITING_MOST &&
	       (end = memchr(c->line, '\n', c->have)) != NULL) {
		size_t n = (size_t)(end - c->line);

		err = say(c, c->line, n);
		c->have -= n + 1;
		memmove(c->line, end + 1, c->have);
	}
	if (err == SN_OK && c->have > 0 &&
	    memchr(c->line, '\n', c->have) == NULL &&
	    (c->ended || c->have == sizeof(c->line))) {
		if (c->have > SN_FRAME_BODY_MAX)
			return (sn_why(&c->app->why, SN_ETOOBIG,
			    "a line is too long: at most %d bytes",
			    SN_FRAME_BODY_MAX));
		err = say(c, c->line, c->have);
		c->have = 0;
	}
	return (err);
}

static enum sn_err read_lines(struct chat *c)
{
	ssize_t n =
	    read(STDIN_FILENO, c->line + c->have, sizeof(c->line) - c->have);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return (SN_OK);
	if (n < 0)
		return (sn_why_errno(
		    &c->app->why, SN_EIO, "cannot read standard input"));
	c->ended = n == 0;
	c->have += (size_t)n;
	return (SN_OK);
}

static enum sn_err converse(struct chat *c)
{
	struct core_event ev;
	enum sn_err err = SN_OK;

	while (err == SN_OK) {
		bool reads = !c->ended && c->have < sizeof(c->line) &&
			     core_sends(c->app->core) < WAITING_MOST;

		if (app_try(c->app, &ev)) {
			err = on_event(c, &ev);
			continue;
		}
		if ((err = say_lines(c)) != SN_OK)
			break;
		if (core_sends(c->app->core) > 0 && app_try(c->app, &ev)) {
			err = on_event(c, &ev);
			continue;
		}
		if (c->ended && c->have == 0 && core_sends(c->app->core) == 0)
			break;
		if (app_wait(c->app, reads ? STDIN_FILENO : -1, UINT64_MAX))
			err = read_lines(c);
	}
	return (err);
}

enum sn_err chat_lines(struct app *app, const char *with)
{
	struct chat *c = calloc(1, sizeof(*c));
	struct sn_frame_synced synced;
	enum sn_err err;

	if (c == NULL)
		return (SN_ENOMEM);
	c->app = app;
	c->with = with;
	if ((!isatty(STDIN_FILENO) || (err = show_past(c)) == SN_OK) &&
	    (err = chat_follow(app, &synced)) == SN_OK) {
		c->since = synced.head;
		/* To a program only what comes is told. */
		if (!isatty(STDIN_FILENO))
			c->seen = c->since;
		app_say("you are %s, talking to %s%s",
		    core_welcome(app->core)->account, c->with,
		    isatty(STDIN_FILENO)
			? ": a line is a message, Ctrl-D ends it"
			: "");
		if (c->with[0] != '#')
			c->presence_ref = core_presence(app->core, c->with);
		err = converse(c);
	}
	if (err == SN_OK && c->failed)
		err = sn_why(&app->why, SN_ENOTFOUND,
		    "not everything was sent; see above");
	free(c);
	return (err);
}
