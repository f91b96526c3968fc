#include "client/chat_internal.h"

#include <stdio.h>
#include <string.h>

#include "client/safe.h"

#define PAGE 60      /* Messages asked for at once. */
#define BACKGROUND 6 /* Requests that nobody has typed. */

static struct chat_request *find(struct chat *c, uint32_t ref)
{
	for (size_t i = 0; i < CHAT_REQUESTS; i++) {
		struct chat_request *r = c->requests + i;

		if (r->errand != CHAT_NOTHING && r->ref == ref)
			return (r);
	}
	return (NULL);
}

static struct chat_request *vacant(struct chat *c, size_t most)
{
	for (size_t i = 0; i < most; i++) {
		if (c->requests[i].errand == CHAT_NOTHING)
			return (c->requests + i);
	}
	return (NULL);
}

struct chat_request *chat_request(struct chat *c, enum chat_errand errand)
{
	struct chat_request *r = vacant(c, CHAT_REQUESTS);

	if (c->model->link != MODEL_ONLINE || r == NULL) {
		model_tell(c->model, true, "%s",
		    r == NULL ? "the server has not answered yet; try again"
			      : "not connected; try again when it is");
		return (NULL);
	}
	memset(r, 0, sizeof(*r));
	r->errand = errand;
	return (r);
}

static uint32_t history(struct chat *c, const char *with, uint64_t before)
{
	struct core_range range = {
		.before = { before != 0, before },
		.limit = PAGE,
	};

	return (core_history(c->app->core, with, &range));
}

/* What is wanted most of one conversation; true when something was. */
static bool ask_of(
    struct chat *c, struct talk *t, struct chat_request *r, bool shown)
{
	struct core *core = c->app->core;

	memset(r, 0, sizeof(*r));
	(void)snprintf(r->talk, sizeof(r->talk), "%s", t->name);
	if (t->wants_history) {
		t->wants_history = false;
		r->errand = CHAT_HISTORY;
		r->ref = history(c, t->name, 0);
	} else if (t->wants_receipts) {
		t->wants_receipts = false;
		r->errand = CHAT_RECEIPTS;
		r->ref = core_receipts(core, t->name);
	} else if (t->wants_older && shown) {
		t->wants_older = false;
		t->asked_older = true;
		r->errand = CHAT_OLDER;
		r->seq = talk_first(t);
		r->ref = history(c, t->name, r->seq);
	} else if (t->wants_presence &&
		   (!talk_is_room(t) ||
		       (shown && t->members > 0 && t->members <= TALK_PEERS))) {
		t->wants_presence = false;
		r->errand = CHAT_PRESENCE;
		r->ref = core_presence(core, t->name);
	}
	return (r->errand != CHAT_NOTHING);
}

void chat_ask(struct chat *c)
{
	struct model *m = c->model;
	struct chat_request *r;

	if (m->link != MODEL_ONLINE)
		return;
	if (c->wants_rooms && (r = vacant(c, BACKGROUND)) != NULL) {
		c->wants_rooms = false;
		memset(r, 0, sizeof(*r));
		r->errand = CHAT_ROOMS;
		r->ref = core_room_list(c->app->core);
	}
	while (m->shown != NULL && (r = vacant(c, BACKGROUND)) != NULL &&
	       ask_of(c, m->shown, r, true))
		continue;
	for (size_t i = 0; i < m->talk_count; i++) {
		while (m->talks[i] != m->shown &&
		       (r = vacant(c, BACKGROUND)) != NULL &&
		       ask_of(c, m->talks[i], r, false))
			continue;
	}
}

void chat_lost(struct chat *c)
{
	for (size_t i = 0; i < CHAT_REQUESTS; i++) {
		struct chat_request *r = c->requests + i;
		struct talk *t = model_find(c->model, sn_bytes_of(r->talk));

		if (r->errand == CHAT_ROOMS)
			c->wants_rooms = true;
		else if (r->errand == CHAT_HISTORY && t != NULL)
			t->wants_history = true;
		r->errand = CHAT_NOTHING;
	}
}

/* One of a page of messages. */
static enum sn_err item(struct chat *c, const struct chat_request *r,
    struct talk *t, const struct sn_frame_deliver *m)
{
	/* What came meanwhile must leave no gap above the page. */
	if (t == NULL || (r->errand == CHAT_OLDER && !talk_has(t, r->seq)))
		return (SN_OK);
	return (
	    talk_add(t, m, sn_bytes_equal(m->from, sn_bytes_of(c->model->me))));
}

/* One line of a page. */
static void line(struct chat *c, const struct core_event *ev)
{
	char name[512], more[2048];

	if (ev->type == CORE_MEMBER) {
		model_add(c->model, "%s (%s)\n",
		    safe_line(ev->member.account, name, sizeof(name)),
		    safe_line(ev->member.role, more, sizeof(more)));
		return;
	}
	model_add(c->model, "%s %s%s, %llu member%s%s%s\n",
	    ev->room.joined ? "*" : " ",
	    safe_line(ev->room.room, name, sizeof(name)),
	    ev->room.open ? "" : " (by invitation)",
	    (unsigned long long)ev->room.members,
	    ev->room.members == 1 ? "" : "s", ev->room.topic.n > 0 ? ": " : "",
	    safe_line(ev->room.topic, more, sizeof(more)));
}

static void known(struct chat *c, struct talk *t, bool refused)
{
	/* In a large room nobody is told; then it is this device's place. */
	if (refused && t->read == 0)
		t->read = c->cursor;
	t->read_known = true;
	if (t == c->model->shown)
		model_opened(c->model);
}

static enum sn_err rooms_known(struct chat *c)
{
	struct model *m = c->model;

	if (m->shown == NULL && m->talk_count > 0)
		model_show(m, m->talks[0]);
	if (m->shown == NULL)
		chat_help(c);
	return (SN_OK);
}

static enum sn_err finished(
    struct chat *c, struct chat_request *r, struct talk *t, bool more)
{
	switch (r->errand) {
	case CHAT_ROOMS:
		return (rooms_known(c));
	case CHAT_HISTORY:
		if (t != NULL)
			t->more = more;
		break;
	case CHAT_OLDER:
		if (t == NULL)
			break;
		t->asked_older = false;
		if (talk_has(t, r->seq))
			t->more = more;
		break;
	case CHAT_RECEIPTS:
		if (t != NULL)
			known(c, t, false);
		break;
	case CHAT_DONE:
		model_tell(c->model, false, "%s", r->said);
		if (r->shows)
			return (chat_open(c, sn_bytes_of(r->talk)));
		break;
	case CHAT_LIST:
		if (c->model->page_n == 0)
			model_add(c->model, "(none)");
		break;
	default:
		break;
	}
	return (SN_OK);
}

static void refused(struct chat *c, struct chat_request *r, struct talk *t,
    const struct core_event *ev)
{
	switch (r->errand) {
	case CHAT_DONE:
	case CHAT_LIST:
		model_leave(c->model);
		model_tell(c->model, true, "%s", ev->why.text);
		break;
	case CHAT_RECEIPTS:
		if (t != NULL)
			known(c, t, true);
		break;
	case CHAT_HISTORY:
		if (t == NULL || t->count > 0)
			break;
		/* There is no such person or room for us. */
		if (t == c->model->shown)
			model_tell(
			    c->model, true, "%s: %s", t->name, ev->why.text);
		model_close(c->model, t);
		chat_remember(c);
		break;
	case CHAT_OLDER:
		if (t != NULL)
			t->asked_older = false;
		break;
	default:
		break;
	}
}

enum sn_err chat_answer(struct chat *c, const struct core_event *ev)
{
	struct chat_request *r = ev->ref != 0 ? find(c, ev->ref) : NULL;
	struct chat_request copy;
	struct talk *t;

	if (r == NULL)
		return (SN_OK);
	t = model_find(c->model, sn_bytes_of(r->talk));
	copy = *r;
	switch (ev->type) {
	case CORE_ITEM:
		return (item(c, r, t, &ev->message));
	case CORE_ROOM:
		if (r->errand == CHAT_ROOMS)
			return (model_room(c->model, &ev->room));
		line(c, ev);
		return (SN_OK);
	case CORE_MEMBER:
		line(c, ev);
		return (SN_OK);
	case CORE_PRESENCE:
		if (t != NULL)
			model_presence(c->model, t, &ev->presence);
		return (SN_OK);
	case CORE_END:
	case CORE_DONE:
		r->errand = CHAT_NOTHING;
		return (finished(
		    c, &copy, t, ev->type == CORE_END && ev->end.more));
	case CORE_REFUSED:
		r->errand = CHAT_NOTHING;
		refused(c, &copy, t, ev);
		return (SN_OK);
	default:
		return (SN_OK);
	}
}
