#include "client/model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
