#ifndef SN_CLIENT_CHAT_INTERNAL_H
#define SN_CLIENT_CHAT_INTERNAL_H

#include "client/chat.h"
#include "client/model.h"
#include "client/screen.h"
#include "client/view.h"

/* What the files of the full-screen chat share. */

#define CHAT_REQUESTS 8

/* What the answer to a request is for. */
enum chat_errand {
	CHAT_NOTHING,
	CHAT_ROOMS,   /* Which we are in. */
	CHAT_HISTORY, /* The newest page. */
	CHAT_OLDER,   /* The page before ${seq}. */
	CHAT_RECEIPTS,
	CHAT_PRESENCE,
	CHAT_DONE, /* A command: ${said} is told when it is done. */
	CHAT_LIST, /* A command: its answers are the lines of a page. */
};

struct chat_request {
	enum chat_errand errand;
	uint32_t ref;
	uint64_t seq;
	char talk[SN_NAME_ROOM_MAX + 1];
	char said[160];
	bool shows; /* The conversation, when it is done. */
};

/* See chat_paste.c. */
struct chat_paste {
	char *text;     /* NULL: nothing is being pasted. */
	size_t n, all;  /* Kept, and all of it. */
	uint64_t heard; /* When the last of it came. */
};

struct chat {
	struct app *app;
	struct model *model;
	struct canvas canvas;
	struct view_seen seen; /* Of the last time it was drawn. */
	struct chat_request requests[CHAT_REQUESTS];
	struct chat_paste paste;
	uint64_t cursor;  /* Up to there this device had seen everything. */
	uint64_t got;     /* Up to there it has now. */
	uint64_t ends;    /* When the first message expires; 0: none does. */
	uint64_t typing;  /* When the others were last told so. */
	bool wants_rooms; /* The list of rooms is to be asked for. */
	bool whole;       /* Draw all of it, not what changed. */
	bool leaving;     /* Asked to, but something is not sent. */
	bool over;
};

/* chat_request.c */

/** Ask the server for what the model wants, as much as is good at once. */
void chat_ask(struct chat *c);
/** Room for a request of the person's; NULL, and told, when there is none
 * or no connection. */
struct chat_request *chat_request(struct chat *c, enum chat_errand errand);
/** An answer, if it is one to a request of ours. */
enum sn_err chat_answer(
    struct chat *c, const struct core_event *ev) SN_MUST_USE;
/** The connection is lost: those that are needed will be asked again. */
void chat_lost(struct chat *c);

/* chat_keys.c */

/** One key. */
enum sn_err chat_press(
    struct chat *c, const struct screen_typed *typed) SN_MUST_USE;
/** Into what is being typed; false, and told, when it would be too long. */
bool chat_insert(struct chat *c, struct sn_bytes text);
/** Tell that what would have ${n} bytes is too long. */
void chat_too_long(struct chat *c, size_t n);
/** A character in UTF-8, in ${out} of MB_LEN_MAX bytes. */
struct sn_bytes chat_utf8(uint32_t rune, char *out);

/* chat_paste.c */

/** What follows is pasted. */
enum sn_err chat_paste_begin(struct chat *c) SN_MUST_USE;
/** One key of it, or of the person who waits for its end. */
void chat_paste_key(struct chat *c, const struct screen_typed *typed);
/** Whether its end is late, or will not come any more. */
void chat_paste_look(struct chat *c);
/** When to look again; UINT64_MAX: nothing is being pasted. */
uint64_t chat_paste_next(const struct chat *c);
void chat_paste_free(struct chat_paste *paste);

/* chat_command.c */

/** A line that begins with a slash. */
enum sn_err chat_command(struct chat *c, struct sn_bytes line) SN_MUST_USE;
/** Complete the name of a command that has been begun. */
void chat_complete(struct edit *edit);
/** What keys and commands do, as a page. */
void chat_help(struct chat *c);

/* chat_screen.c */

/** Show a conversation, of whatever name. */
enum sn_err chat_open(struct chat *c, struct sn_bytes name) SN_MUST_USE;
/** Remember with whom there are conversations. */
void chat_remember(struct chat *c);
/** End it, unless something waits to be sent and this is the first time. */
void chat_leave(struct chat *c);

#endif
