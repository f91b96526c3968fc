#include "client/model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/safe.h"
#include "lib/clock.h"

enum sn_err model_new(const char *me, const char *server, struct model **out)
{
	struct model *model = calloc(1, sizeof(*model));

	if (model == NULL)
		return (SN_ENOMEM);
	(void)snprintf(model->me, sizeof(model->me), "%s", me);
	(void)snprintf(model->server, sizeof(model->server), "%s", server);
	*out = model;
	return (SN_OK);
}

void model_free(struct model *model)
{
	if (model == NULL)
		return;
	for (size_t i = 0; i < model->talk_count; i++)
		talk_free(model->talks[i]);
	free(model->talks);
	free(model);
}

/* Rooms first: '#' is below every letter. */
static int order(struct sn_bytes name, const struct talk *talk)
{
	struct sn_bytes other = sn_bytes_of(talk->name);
	size_t n = name.n < other.n ? name.n : other.n;
	int d = memcmp(name.p, other.p, n);

	return (d != 0 ? d : (name.n > other.n) - (name.n < other.n));
}

static size_t place(const struct model *model, struct sn_bytes name)
{
	size_t i = 0;

	while (i < model->talk_count && order(name, model->talks[i]) > 0)
		i++;
	return (i);
}

struct talk *model_find(const struct model *model, struct sn_bytes name)
{
	size_t i = place(model, name);

	if (i == model->talk_count || order(name, model->talks[i]) != 0)
		return (NULL);
	return (model->talks[i]);
}

/* Above MODEL_TALKS one that nobody misses is closed. */
static void close_one(struct model *model)
{
	bool more;

	for (size_t i = model->talk_count; i > 0; i--) {
		struct talk *t = model->talks[i - 1];

		if (t != model->shown && t->waiting == 0 && t->draft == NULL &&
		    talk_unread(t, &more) == 0) {
			model_close(model, t);
			return;
		}
	}
}

static enum sn_err make_room(struct model *model)
{
	struct talk **talks;

	if (model->talk_count >= MODEL_TALKS)
		close_one(model);
	if (model->talk_count < model->talk_room)
		return (SN_OK);
	talks = reallocarray(
	    model->talks, model->talk_room + 32, sizeof(struct talk *));
	if (talks == NULL)
		return (SN_ENOMEM);
	model->talks = talks;
	model->talk_room += 32;
	return (SN_OK);
}

enum sn_err model_open(
    struct model *model, struct sn_bytes name, struct talk **out)
{
	struct talk *talk = model_find(model, name);
	char text[SN_NAME_ROOM_MAX + 1];
	enum sn_err err;
	size_t i;

	*out = talk;
	if (talk != NULL)
		return (SN_OK);
	(void)snprintf(
	    text, sizeof(text), "%.*s", (int)name.n, (const char *)name.p);
	if ((err = make_room(model)) != SN_OK ||
	    (err = talk_new(text, &talk)) != SN_OK)
		return (err);
	talk->wants_history = talk->wants_receipts = talk->wants_presence =
	    true;
	i = place(model, name);
	memmove(model->talks + i + 1, model->talks + i,
	    (model->talk_count - i) * sizeof(talk));
	model->talks[i] = talk;
	model->talk_count++;
	*out = talk;
	return (SN_OK);
}

void model_close(struct model *model, struct talk *talk)
{
	size_t i = 0;

	while (model->talks[i] != talk)
		i++;
	model->talk_count--;
	memmove(model->talks + i, model->talks + i + 1,
	    (model->talk_count - i) * sizeof(talk));
	if (model->shown == talk) {
		model->shown = NULL;
		edit_set(&model->edit, sn_bytes_of(""));
		if (model->talk_count > 0)
			model_show(model,
			    model->talks[i < model->talk_count ? i : i - 1]);
	}
	talk_free(talk);
}

static void put_aside(struct model *model, struct talk *talk)
{
	struct sn_bytes text = edit_text(&model->edit);

	free(talk->draft);
	talk->draft = NULL;
	talk->draft_n = 0;
	if (text.n > 0 && (talk->draft = malloc(text.n)) != NULL) {
		memcpy(talk->draft, text.p, text.n);
		talk->draft_n = text.n;
	}
	talk->anchor = NULL;
	talk->opened = TALK_NOT;
	talk_trim(talk, false);
}

void model_opened(struct model *model)
{
	struct talk *t = model->shown;
	bool more;

	if (t != NULL && t->opened == TALK_NOT && talk_unread(t, &more) > 0)
		t->opened = t->told > t->read ? t->told : t->read;
}

void model_show(struct model *model, struct talk *talk)
{
	struct talk *before = model->shown;

	if (before == talk)
		return;
	if (before != NULL)
		put_aside(model, before);
	model->shown = talk;
	edit_set(&model->edit, (struct sn_bytes){ talk->draft, talk->draft_n });
	free(talk->draft);
	talk->draft = NULL;
	talk->draft_n = 0;
	model_opened(model);
	if (before != NULL && before->gone && before->waiting == 0)
		model_close(model, before);
}

void model_step(struct model *model, enum model_step how)
{
	size_t n = model->talk_count, at = 0;
	bool more;

	if (n == 0)
		return;
	while (at < n && model->talks[at] != model->shown)
		at++;
	for (size_t i = 1; i <= n; i++) {
		struct talk *t =
		    model
			->talks[(at + (how == MODEL_PREVIOUS ? n - i : i)) % n];

		if (how == MODEL_UNREAD && talk_unread(t, &more) == 0)
			continue;
		model_show(model, t);
		return;
	}
}

static bool is_me(const struct model *model, struct sn_bytes name)
{
	return (sn_bytes_equal(name, sn_bytes_of(model->me)));
}

struct sn_bytes model_where(
    const struct model *model, const struct sn_frame_deliver *m)
{
	if (((const char *)m->to.p)[0] == '#' || is_me(model, m->from))
		return (m->to);
	return (m->from);
}

enum sn_err model_message(struct model *model, const struct sn_frame_deliver *m)
{
	struct talk_peer *peer;
	struct talk *talk;
	enum sn_err err;

	if ((err = model_open(model, model_where(model, m), &talk)) != SN_OK ||
	    (err = talk_add(talk, m, is_me(model, m->from))) != SN_OK)
		return (err);
	for (size_t i = 0; i < talk->peer_count; i++) {
		peer = talk->peers + i;
		if (sn_bytes_equal(m->from, sn_bytes_of(peer->name)))
			peer->typing = 0;
	}
	talk_trim(talk, talk == model->shown);
	return (SN_OK);
}

static void copy(char *out, size_t size, struct sn_bytes text)
{
	size_t n = text.n < size ? text.n : size - 1;

	if (n > 0)
		memcpy(out, text.p, n);
	out[n] = '\0';
}

enum sn_err model_room(struct model *model, const struct sn_frame_room *room)
{
	struct talk *talk;
	enum sn_err err;

	if (!room->joined)
		return (SN_OK);
	if ((err = model_open(model, room->room, &talk)) != SN_OK)
		return (err);
	copy(talk->topic, sizeof(talk->topic), room->topic);
	talk->members = room->members;
	talk->gone = false;
	return (SN_OK);
}

/* What it means for who is there. */
static void come_and_go(struct model *model, struct talk *talk,
    const struct sn_frame_room_changed *c, bool joined)
{
	if (joined) {
		talk->members++;
		talk->wants_presence = true;
		talk->gone = talk->gone && !is_me(model, c->account);
		return;
	}
	if (talk->members > 0)
		talk->members--;
	talk_forget(talk, c->account);
	talk->gone = talk->gone || is_me(model, c->account);
}

enum sn_err model_room_changed(
    struct model *model, const struct sn_frame_room_changed *c, uint64_t time)
{
	struct talk *talk;
	char who[128], change[64], text[256];
	bool joined = sn_bytes_equal(c->change, sn_bytes_of("joined"));
	enum sn_err err;

	talk = model_find(model, c->room);
	if (talk == NULL) {
		if (!joined || !is_me(model, c->account))
			return (SN_OK);
		if ((err = model_open(model, c->room, &talk)) != SN_OK)
			return (err);
	}
	(void)safe_line(c->account, who, sizeof(who));
	(void)safe_line(c->change, change, sizeof(change));
	(void)snprintf(
	    text, sizeof(text), "the %s of the room has changed", change);
	if (joined || strcmp(change, "left") == 0) {
		come_and_go(model, talk, c, joined);
		(void)snprintf(text, sizeof(text), "%s %s", who, change);
	} else if (strcmp(change, "owner") == 0) {
		(void)snprintf(text, sizeof(text), "%s is an owner now", who);
	} else if (strcmp(change, "member") == 0) {
		(void)snprintf(
		    text, sizeof(text), "%s is no owner any more", who);
	} else if (strcmp(change, "deleted") == 0) {
		talk->gone = true;
		(void)snprintf(text, sizeof(text), "the room was deleted");
	}
	return (talk_note(talk, c->seq, time, text));
}

void model_stored(struct model *model, const struct sn_frame_stored *stored)
{
	for (size_t i = 0; i < model->talk_count; i++) {
		if (talk_stored(model->talks[i], stored))
			return;
	}
}

bool model_refused(struct model *model, uint32_t ref, const char *why)
{
	for (size_t i = 0; i < model->talk_count; i++) {
		if (talk_refused(model->talks[i], ref, why))
			return (true);
	}
	return (false);
}

void model_receipt(struct model *model, const struct sn_frame_receipt *r)
{
	struct talk *talk = model_find(model, r->with);
	bool read = sn_bytes_equal(r->kind, sn_bytes_of("read"));
	struct talk_peer *peer;
	uint64_t *mark;

	if (talk == NULL)
		return;
	if (is_me(model, r->account)) {
		if (read)
			talk_read(talk, r->seq);
		return;
	}
	if ((peer = talk_peer(talk, r->account)) == NULL)
		return;
	mark = read ? &peer->read : &peer->delivered;
	if (r->seq > *mark)
		*mark = r->seq;
}

static void be(struct talk *talk, const struct sn_frame_presence *p, bool add)
{
	struct talk_peer *peer = NULL;

	for (size_t i = 0; i < talk->peer_count && peer == NULL; i++) {
		if (sn_bytes_equal(
			p->account, sn_bytes_of(talk->peers[i].name)))
			peer = talk->peers + i;
	}
	if (peer == NULL && add)
		peer = talk_peer(talk, p->account);
	if (peer != NULL)
		copy(peer->state, sizeof(peer->state), p->state);
}

void model_presence(
    struct model *model, struct talk *talk, const struct sn_frame_presence *p)
{
	if (is_me(model, p->account))
		return;
	if (talk != NULL) {
		be(talk, p, true);
		return;
	}
	for (size_t i = 0; i < model->talk_count; i++)
		be(model->talks[i], p,
		    sn_bytes_equal(
			p->account, sn_bytes_of(model->talks[i]->name)));
}

void model_signaled(struct model *model, const struct sn_frame_signaled *s)
{
	bool room = ((const char *)s->to.p)[0] == '#';
	struct talk *talk = model_find(model, room ? s->to : s->from);
	struct talk_peer *peer;

	if (talk == NULL || is_me(model, s->from) ||
	    !sn_bytes_equal(s->kind, sn_bytes_of("typing")) ||
	    (peer = talk_peer(talk, s->from)) == NULL)
		return;
	peer->typing = sn_clock_mono() + MODEL_TYPING_S * SN_NS_PER_S;
}

void model_lost(struct model *model, const char *why, uint64_t again)
{
	model->link = MODEL_LOST;
	model->link_at = again;
	(void)snprintf(model->link_why, sizeof(model->link_why), "%s", why);
}

void model_ready(struct model *model)
{
	model->link = MODEL_ONLINE;
	/* Whether the last was heard is not known. */
	if (model->shown != NULL)
		model->shown->told = model->shown->read;
	for (size_t i = 0; i < model->talk_count; i++) {
		struct talk *t = model->talks[i];

		t->wants_receipts = t->wants_presence = true;
		t->wants_older = t->wants_older || t->asked_older;
		t->asked_older = false;
	}
}

void model_reset(struct model *model)
{
	for (size_t i = 0; i < model->talk_count; i++) {
		talk_clear(model->talks[i]);
		model->talks[i]->wants_history = true;
		model->talks[i]->wants_receipts = true;
	}
}

bool model_read(struct model *model, uint64_t seq)
{
	struct talk *t = model->shown;
	size_t unread;
	bool more;

	if (t == NULL || !t->read_known || t->gone || seq <= t->read ||
	    seq <= t->told)
		return (false);
	/* That we have read what we said ourselves interests nobody. */
	unread = talk_unread(t, &more);
	t->told = seq;
	return (unread > 0 && talk_unread(t, &more) < unread);
}

uint64_t model_expire(struct model *model, uint64_t now)
{
	uint64_t next = 0;

	for (size_t i = 0; i < model->talk_count; i++) {
		struct talk *t = model->talks[i];

		talk_expire(t, now);
		if (t->ends != 0 && (next == 0 || t->ends < next))
			next = t->ends;
	}
	return (next);
}

size_t model_unread(const struct model *model)
{
	size_t n = 0;
	bool more;

	for (size_t i = 0; i < model->talk_count; i++) {
		if (model->talks[i] != model->shown)
			n += talk_unread(model->talks[i], &more);
	}
	return (n);
}

const char *model_typing(const struct model *model, char *out, size_t size)
{
	const struct talk *t = model->shown;
	const char *who = NULL;
	unsigned n = 0;

	out[0] = '\0';
	for (size_t i = 0; t != NULL && i < t->peer_count; i++) {
		if (t->peers[i].typing > model->now) {
			who = t->peers[i].name;
			n++;
		}
	}
	if (n == 1)
		(void)snprintf(out, size, "%s is typing", who);
	else if (n > 1)
		(void)snprintf(out, size, "%u are typing", n);
	return (out);
}

void model_tell(struct model *model, bool alarming, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(model->notice, sizeof(model->notice), format, ap);
	va_end(ap);
	model->alarming = alarming;
}

void model_page(struct model *model, const char *title)
{
	(void)snprintf(
	    model->page_title, sizeof(model->page_title), "%s", title);
	model->page_n = 0;
	model->page_top = 0;
}

void model_add(struct model *model, const char *format, ...)
{
	size_t room = sizeof(model->page) - model->page_n;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(model->page + model->page_n, room, format, ap);
	va_end(ap);
	if (n > 0)
		model->page_n += (size_t)n < room ? (size_t)n : room - 1;
}

void model_leave(struct model *model)
{
	model->page_title[0] = '\0';
	model->page_n = 0;
}
