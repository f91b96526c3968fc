#include "client/await.h"

#include <stdlib.h>
#include <string.h>

#include "client/safe.h"
#include "client/show.h"
#include "lib/clock.h"
#include "lib/name.h"

/* Those who have not got it yet. */
struct waiting {
	const struct await *w;
	uint32_t members_ref, receipts_ref;
	char (*names)[SN_NAME_MAX + 1];
	size_t count;
	bool known; /* All of them are in ${names}. */
};

static enum sn_err add(struct waiting *g, struct sn_bytes name)
{
	char(*names)[SN_NAME_MAX + 1];
	struct sn_bytes me =
	    sn_bytes_of(core_welcome(g->w->app->core)->account);

	if (sn_bytes_equal(name, me) || name.n > SN_NAME_MAX)
		return (SN_OK);
	names = reallocarray(g->names, g->count + 1, sizeof(*names));
	if (names == NULL)
		return (sn_why(&g->w->app->why, SN_ENOMEM, "out of memory"));
	g->names = names;
	memcpy(names[g->count], name.p, name.n);
	names[g->count++][name.n] = '\0';
	return (SN_OK);
}

static void tell(const struct await *w, const struct sn_frame_receipt *r)
{
	json_t *o;

	if (!sn_cli_has(w->app->cli, "json"))
		return;
	o = json_object();
	(void)json_object_set_new(o, "receipt", show_string(r->kind));
	(void)json_object_set_new(o, "account", show_string(r->account));
	(void)json_object_set_new(o, "seq", json_integer((json_int_t)r->seq));
	show_line(o, stdout);
	(void)fflush(stdout);
}

static void got(struct waiting *g, const struct sn_frame_receipt *r)
{
	const struct await *w = g->w;

	if (!sn_bytes_equal(r->with, sn_bytes_of(w->to)) || r->seq < w->seq ||
	    (!sn_bytes_equal(r->kind, sn_bytes_of(w->kind)) &&
		!sn_bytes_equal(r->kind, sn_bytes_of("read"))))
		return;
	for (size_t i = 0; i < g->count; i++) {
		if (!sn_bytes_equal(r->account, sn_bytes_of(g->names[i])))
			continue;
		tell(w, r);
		memmove(g->names[i], g->names[--g->count], sizeof(g->names[i]));
		return;
	}
}

/* Of a room its members are asked for first: whom to wait for. */
static void ask(struct waiting *g)
{
	struct core *core = g->w->app->core;

	g->receipts_ref = g->members_ref = 0;
	if (g->known)
		g->receipts_ref = core_receipts(core, g->w->to);
	else
		g->members_ref = core_room_members(core, g->w->to);
}

static enum sn_err refused(struct waiting *g, const struct core_event *ev)
{
	struct app *app = g->w->app;

	memcpy(app->code, ev->code, sizeof(app->code));
	if (ev->err == SN_ELIMIT)
		return (sn_why(&app->why, ev->err,
		    "the message is stored, but in a room as large as %s "
		    "nobody is told who has got or read it",
		    g->w->to));
	app->why = ev->why;
	return (ev->err);
}

static enum sn_err on_event(struct waiting *g, const struct core_event *ev)
{
	switch (ev->type) {
	case CORE_OVER:
		return (ev->err);
	case CORE_READY:
		ask(g);
		return (SN_OK);
	case CORE_MEMBER:
		return (ev->ref == g->members_ref ? add(g, ev->member.account)
						  : SN_OK);
	case CORE_END:
		if (ev->ref == g->members_ref) {
			g->known = true;
			ask(g);
		}
		return (SN_OK);
	case CORE_RECEIPT:
		got(g, &ev->receipt);
		return (SN_OK);
	case CORE_REFUSED:
		return (refused(g, ev));
	default:
		return (SN_OK);
	}
}

static enum sn_err late(const struct waiting *g)
{
	return (sn_why(&g->w->app->why, SN_ETIMEOUT,
	    "the message is stored, but %s%s has not %s it yet",
	    g->count > 0 ? g->names[0] : g->w->to,
	    g->count > 1 ? " (and others)" : "",
	    strcmp(g->w->kind, "read") == 0 ? "read" : "got"));
}

static enum sn_err wait_for(struct waiting *g)
{
	struct core_event ev;
	enum sn_err err;

	ask(g);
	for (;;) {
		while (app_try(g->w->app, &ev)) {
			if ((err = on_event(g, &ev)) != SN_OK)
				return (err);
		}
		if (g->known && g->count == 0)
			return (SN_OK);
		if (sn_clock_mono() >= g->w->until)
			return (late(g));
		(void)app_wait(g->w->app, -1, g->w->until);
	}
}

enum sn_err await_receipts(const struct await *w)
{
	struct waiting g = { .w = w, .known = w->to[0] != '#' };
	enum sn_err err = SN_OK;

	if (g.known)
		err = add(&g, sn_bytes_of(w->to));
	if (err == SN_OK)
		err = wait_for(&g);
	free(g.names);
	return (err);
}
