#include "client/chat_internal.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"

/*
 * What a terminal says that is pasted is collected up to its end, and taken as
 * a whole or not at all.  The end may never come.  A terminal that pastes
 * makes no pause, so that a key after one is a person's.
 */
#define PAUSE_NS (250 * SN_NS_PER_MS)
#define SILENCE_NS (5 * SN_NS_PER_S)

void chat_paste_free(struct chat_paste *paste)
{
	free(paste->text);
	*paste = (struct chat_paste){ .text = NULL };
}

enum sn_err chat_paste_begin(struct chat *c)
{
	chat_paste_free(&c->paste);
	if ((c->paste.text = malloc(SN_FRAME_BODY_MAX)) == NULL)
		return (SN_ENOMEM);
	c->paste.heard = c->model->now;
	return (SN_OK);
}

/* What is longer than any message is not kept, but counted. */
static void add(struct chat_paste *paste, struct sn_bytes text)
{
	paste->all += text.n;
	if (paste->all > SN_FRAME_BODY_MAX)
		return;
	memcpy(paste->text + paste->n, text.p, text.n);
	paste->n += text.n;
}

static bool take(struct chat *c)
{
	struct chat_paste *paste = &c->paste;
	bool fits = paste->all <= SN_FRAME_BODY_MAX;

	if (fits)
		fits =
		    chat_insert(c, (struct sn_bytes){ paste->text, paste->n });
	else
		chat_too_long(c, c->model->edit.n + paste->all);
	chat_paste_free(paste);
	return (fits);
}

static bool pauses(const struct chat *c)
{
	return (c->model->now - c->paste.heard >= PAUSE_NS);
}

void chat_paste_key(struct chat *c, const struct screen_typed *typed)
{
	char one[MB_LEN_MAX];

	if (typed->key == SCREEN_CTRL_C && pauses(c)) {
		chat_paste_free(&c->paste);
		model_tell(c->model, false, "what was pasted is dropped");
		return;
	}
	c->model->notice[0] = '\0';
	c->paste.heard = c->model->now;
	switch (typed->key) {
	case SCREEN_PASTED:
		(void)take(c);
		break;
	case SCREEN_TEXT:
		add(&c->paste, chat_utf8(typed->rune, one));
		break;
	case SCREEN_ENTER:
		add(&c->paste, sn_bytes_of("\n"));
		break;
	case SCREEN_TAB:
		add(&c->paste, sn_bytes_of("\t"));
		break;
	case SCREEN_ENDED:
		c->over = true;
		break;
	default:
		break;
	}
}

void chat_paste_look(struct chat *c)
{
	if (c->paste.text == NULL || !pauses(c))
		return;
	if (c->model->now - c->paste.heard < SILENCE_NS) {
		model_tell(c->model, false,
		    "the end of what is pasted has not come yet; Control-C "
		    "drops it");
		return;
	}
	if (take(c))
		model_tell(c->model, true,
		    "the end of what was pasted did not come: look at it "
		    "before you send it");
}

uint64_t chat_paste_next(const struct chat *c)
{
	if (c->paste.text == NULL)
		return (UINT64_MAX);
	return (c->paste.heard + (pauses(c) ? SILENCE_NS : PAUSE_NS));
}
