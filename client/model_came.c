#include <stdio.h>
#include <string.h>

#include "client/model.h"
#include "client/safe.h"
#include "lib/clock.h"

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

enum sn_err model_room(struct model *model, const struct sn_frame_room *room)
{
	struct talk *talk;
	enum sn_err err;

	if (!room->joined)
		return (SN_OK);
	if ((err = model_open(model, room->room, &talk)) != SN_OK)
		return (err);
	sn_bytes_text(room->topic, talk->topic, sizeof(talk->topic));
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
		sn_bytes_text(p->state, peer->state, sizeof(peer->state));
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
