#include "client/cmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/app.h"
#include "client/expiry.h"
#include "client/show.h"
#include "lib/clock.h"

#define BATCH 32 /* Messages handed over at once, at the most. */
#define HOUR_NS (3600 * SN_NS_PER_S)

/*
 * Messages are collected, written to standard output in one go, and only
 * then remembered and acknowledged.
 */
struct listener {
	struct app app;
	bool json, own;
	uint64_t count, shown; /* count: 0 for no end. */
	FILE *page;
	char *text;
	size_t size;
	unsigned collected;
	uint64_t seq; /* Of the last one collected, shown or not. */
};

static enum sn_err page_open(struct listener *l)
{
	l->page = open_memstream(&l->text, &l->size);
	if (l->page == NULL)
		return (sn_why(&l->app.why, SN_ENOMEM, "out of memory"));
	return (SN_OK);
}

static void page_close(struct listener *l)
{
	if (l->page != NULL)
		(void)fclose(l->page);
	l->page = NULL;
	free(l->text);
	l->text = NULL;
}

static enum sn_err write_all(struct listener *l)
{
	for (size_t at = 0; at < l->size;) {
		ssize_t n = write(STDOUT_FILENO, l->text + at, l->size - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return (sn_why_errno(&l->app.why, SN_EIO,
			    "cannot write messages out; they will come again"));
		at += (size_t)n;
	}
	return (SN_OK);
}

/* Hand over what was collected. */
static enum sn_err deliver(struct listener *l)
{
	enum sn_err err;

	if (l->collected == 0)
		return (SN_OK);
	if (fflush(l->page) != 0)
		return (sn_why(&l->app.why, SN_ENOMEM, "out of memory"));
	if ((err = write_all(l)) != SN_OK)
		return (err);
	page_close(l);
	l->collected = 0;
	if ((err = page_open(l)) != SN_OK)
		return (err);
	return (core_handled(l->app.core, l->seq, &l->app.why));
}

static bool full(const struct listener *l)
{
	return (l->count > 0 && l->shown >= l->count);
}

static void collect(struct listener *l, const struct sn_frame_deliver *m)
{
	const char *me = core_welcome(l->app.core)->account;
	bool mine = sn_bytes_equal(m->from, sn_bytes_of(me)) &&
		    !sn_bytes_equal(m->from, m->to);

	l->seq = m->seq;
	l->collected++;
	if (mine && !l->own)
		return;
	l->shown++;
	if (l->json)
		show_json(m, l->page);
	else
		show_text(m, me, l->page);
}

static enum sn_err on_event(struct listener *l, const struct core_event *ev)
{
	switch (ev->type) {
	case CORE_MESSAGE:
		collect(l, &ev->message);
		return (l->collected >= BATCH || full(l) ? deliver(l) : SN_OK);
	case CORE_OVER:
		return (ev->err);
	case CORE_REFUSED:
		if (ev->ref != 0)
			return (SN_OK);
		l->app.why = ev->why;
		memcpy(l->app.code, ev->code, sizeof(ev->code));
		return (ev->err);
	case CORE_READY:
		if (sn_cli_has(l->app.cli, "away"))
			(void)core_away(l->app.core, true);
		app_say("connected again");
		return (SN_OK);
	default:
		return (SN_OK);
	}
}

static enum sn_err follow(struct listener *l)
{
	const struct app *app = &l->app;
	enum sn_err err = SN_OK, last;
	struct core_event ev;

	while (err == SN_OK && !full(l)) {
		if (app_try(&l->app, &ev)) {
			err = on_event(l, &ev);
		} else if ((err = deliver(l)) == SN_OK) {
			(void)app_wait(&l->app, -1, sn_clock_mono() + HOUR_NS);
			expiry_warn(app->profile.state,
			    core_welcome(app->core)->not_after);
		}
	}
	/* What had come before the end is the user's. */
	if (err != SN_OK && err != SN_EIO) {
		struct sn_why why = l->app.why;

		if ((last = deliver(l)) != SN_OK)
			return (last);
		l->app.why = why;
	}
	return (err);
}

static enum sn_err listen_on(struct listener *l)
{
	struct sn_cli *cli = l->app.cli;
	enum sn_err err;

	l->json = sn_cli_has(cli, "json");
	l->own = sn_cli_has(cli, "own");
	if (!cmd_number(cli, "count", 0, UINT32_MAX, &l->count))
		return (sn_why(
		    &l->app.why, SN_EINVAL, "--count is a number of messages"));
	if ((err = app_login(&l->app)) != SN_OK ||
	    (err = page_open(l)) != SN_OK ||
	    (err = app_sync(&l->app, "main", sn_cli_has(cli, "takeover"))) !=
		SN_OK)
		return (err);
	if (sn_cli_has(cli, "away"))
		(void)core_away(l->app.core, true);
	app_say("listening as %s%s", core_welcome(l->app.core)->account,
	    isatty(STDERR_FILENO) ? "; Ctrl-C ends it" : "");
	return (follow(l));
}

int cmd_listen(struct sn_cli *cli)
{
	struct listener l;
	enum sn_err err;
	int status;

	memset(&l, 0, sizeof(l));
	if ((err = app_open(&l.app, cli, true, 0)) == SN_OK)
		err = listen_on(&l);
	status = app_close(&l.app, err);
	page_close(&l);
	return (status);
}
