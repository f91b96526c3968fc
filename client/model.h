#ifndef SN_CLIENT_MODEL_H
#define SN_CLIENT_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "client/edit.h"
#include "client/talk.h"
#include "lib/frame.h"

/*
 * All that the full-screen client shows, without a terminal and without a
 * connection: what came is put in, and client/view.h draws it.
 */
#define MODEL_TALKS 1000 /* Then those without anything unread go. */
#define MODEL_PAGE 65536 /* Bytes of text on the page over it all. */

enum model_link {
	MODEL_ONLINE,
	MODEL_LOST, /* Comes back by itself at ${link_at}. */
};

struct model {
	char me[SN_NAME_MAX + 1], server[256];
	uint64_t now; /* sn_clock_mono() of what is shown. */

	struct talk **talks; /* Rooms, then people, by name. */
	size_t talk_count, talk_room;
	struct talk *shown; /* One of them, or NULL. */

	struct edit edit;

	enum model_link link;
	uint64_t link_at;
	char link_why[512];
	bool away;

	char notice[512]; /* A sentence for the person; "": none. */
	bool alarming;

	/* Text to be read instead of the conversation, until a key is
	 * pressed; "": none. */
	char page_title[128];
	char page[MODEL_PAGE];
	size_t page_n;
	size_t page_top; /* Its first line on the screen. */
};

/** model_new(me, server, out): SN_ENOMEM. */
enum sn_err model_new(
    const char *me, const char *server, struct model **out) SN_MUST_USE;
void model_free(struct model *model);

/** model_find(model, name): a conversation, or NULL. */
struct talk *model_find(const struct model *model, struct sn_bytes name);

/** model_open(model, name, out): the same, made where there is none; it wants
 * everything of the server.  SN_ENOMEM. */
enum sn_err model_open(
    struct model *model, struct sn_bytes name, struct talk **out) SN_MUST_USE;

/** model_close(model, talk): out of the list. */
void model_close(struct model *model, struct talk *talk);

/** model_show(model, talk): make it the one that is shown; what was typed
 * stays with the one before. */
void model_show(struct model *model, struct talk *talk);

/** model_opened(model): remember up to where the one shown was read before,
 * once that is known. */
void model_opened(struct model *model);

enum model_step { MODEL_NEXT, MODEL_PREVIOUS, MODEL_UNREAD };

/** model_step(model, how): show another one of the list. */
void model_step(struct model *model, enum model_step how);

/** model_where(model, message): of which conversation it is. */
struct sn_bytes model_where(
    const struct model *model, const struct sn_frame_deliver *message);

/* What came; all SN_ENOMEM or SN_OK. */
enum sn_err model_message(
    struct model *model, const struct sn_frame_deliver *m) SN_MUST_USE;
enum sn_err model_room(
    struct model *model, const struct sn_frame_room *room) SN_MUST_USE;
enum sn_err model_room_changed(struct model *model,
    const struct sn_frame_room_changed *change, uint64_t time) SN_MUST_USE;
void model_stored(struct model *model, const struct sn_frame_stored *stored);
/** Whether it was a message that was refused. */
bool model_refused(struct model *model, uint32_t ref, const char *why);
void model_receipt(struct model *model, const struct sn_frame_receipt *r);
/** ${talk}: of which it was asked for; NULL: told by itself. */
void model_presence(
    struct model *model, struct talk *talk, const struct sn_frame_presence *p);
void model_signaled(struct model *model, const struct sn_frame_signaled *s);
void model_lost(struct model *model, const char *why, uint64_t again);
void model_ready(struct model *model);
/** The server's numbers have begun anew. */
void model_reset(struct model *model);

/** model_read(model, seq): up to there of the one that is shown was on the
 * screen; true when the server is to be told. */
bool model_read(struct model *model, uint64_t seq);

/** model_expire(model, now): forget all messages that have expired
 * (talk_expire); returns when the next one does, 0: none. */
uint64_t model_expire(struct model *model, uint64_t now);

/** model_unread(model): in all conversations but the one shown. */
size_t model_unread(const struct model *model);

/** model_typing(model, out, size): who is, in the one shown, as "bob is
 * typing"; "" when nobody is.  Returns ${out}. */
const char *model_typing(const struct model *model, char *out, size_t size);
#define MODEL_TYPING_S 6

/** model_tell(model, alarming, format, ...): the sentence for the person. */
void model_tell(struct model *model, bool alarming, const char *format, ...)
    SN_PRINTF(3, 4);

/** model_page(model, title): begin a page; model_add(model, format, ...): more
 * text for it.  model_leave(model): no page. */
void model_page(struct model *model, const char *title);
void model_add(struct model *model, const char *format, ...) SN_PRINTF(2, 3);
void model_leave(struct model *model);

#endif
