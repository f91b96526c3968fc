#include "client/chat_internal.h"

#include <stdio.h>
#include <string.h>

#include "client/safe.h"

#define WORD 300

/* A command, its first word and what stands behind that. */
struct command {
	const char *name;
	const char *synopsis;
	const char *help;
	unsigned least; /* Arguments. */
	bool in_room;   /* It is about the room that is shown. */
	enum sn_err (*run)(struct chat *c, const char *word, const char *rest);
};

static enum sn_err no_room(struct chat *c, const char *word)
{
	model_tell(c->model, true,
	    "\"%.40s\" is no room; rooms are written like #ops", word);
	return (SN_OK);
}

/* A request about ${room}; what is said when it is done: who, how, where. */
static struct chat_request *request(
    struct chat *c, const char *room, const char *who, const char *how)
{
	struct chat_request *r = chat_request(c, CHAT_DONE);

	if (r == NULL)
		return (NULL);
	(void)snprintf(r->talk, sizeof(r->talk), "%s", room);
	(void)snprintf(
	    r->said, sizeof(r->said), "%.64s %s %.65s", who, how, room);
	return (r);
}

static enum sn_err run_help(struct chat *c, const char *word, const char *rest)
{
	(void)word;
	(void)rest;
	chat_help(c);
	return (SN_OK);
}

static enum sn_err run_open(struct chat *c, const char *word, const char *rest)
{
	struct sn_bytes name = sn_bytes_of(word);

	(void)rest;
	if (sn_name_account(name) || sn_name_room(name))
		return (chat_open(c, name));
	model_tell(c->model, true,
	    "\"%.40s\" names neither a person (like bob) nor a room (like "
	    "#ops)",
	    word);
	return (SN_OK);
}

static enum sn_err run_close(struct chat *c, const char *word, const char *rest)
{
	struct talk *t = c->model->shown;

	(void)word;
	(void)rest;
	if (t == NULL)
		return (SN_OK);
	if (t->waiting > 0) {
		model_tell(c->model, true, "something here is not sent yet");
		return (SN_OK);
	}
	model_close(c->model, t);
	chat_remember(c);
	return (SN_OK);
}

static enum sn_err run_join(struct chat *c, const char *word, const char *rest)
{
	struct chat_request *r;

	(void)rest;
	if (!sn_name_room(sn_bytes_of(word)))
		return (no_room(c, word));
	if ((r = request(c, word, "you", "are in")) != NULL) {
		r->shows = true;
		r->ref = core_room_join(c->app->core, word);
	}
	return (SN_OK);
}

static enum sn_err create(
    struct chat *c, const char *word, const char *rest, bool open)
{
	struct core_room how = { .topic = rest, .open = open };
	struct chat_request *r;

	if (!sn_name_room(sn_bytes_of(word)))
		return (no_room(c, word));
	if ((r = request(c, word, "you", "have made")) != NULL) {
		r->shows = true;
		r->ref = core_room_create(c->app->core, word, &how);
	}
	return (SN_OK);
}

static enum sn_err run_create(
    struct chat *c, const char *word, const char *rest)
{
	return (create(c, word, rest, true));
}

static enum sn_err run_private(
    struct chat *c, const char *word, const char *rest)
{
	return (create(c, word, rest, false));
}

static enum sn_err run_leave(struct chat *c, const char *word, const char *rest)
{
	const char *room = c->model->shown->name;
	struct chat_request *r = request(c, room, "you", "have left");

	(void)word;
	(void)rest;
	if (r != NULL)
		r->ref = core_room_leave(c->app->core, room);
	return (SN_OK);
}

static enum sn_err run_invite(
    struct chat *c, const char *word, const char *rest)
{
	const char *room = c->model->shown->name;
	struct chat_request *r = request(c, room, word, "is in");

	(void)rest;
	if (r != NULL)
		r->ref = core_room_invite(c->app->core, room, word);
	return (SN_OK);
}

static enum sn_err run_remove(
    struct chat *c, const char *word, const char *rest)
{
	const char *room = c->model->shown->name;
	struct chat_request *r = request(c, room, word, "is out of");

	(void)rest;
	if (r != NULL)
		r->ref = core_room_remove(c->app->core, room, word);
	return (SN_OK);
}

static enum sn_err run_topic(struct chat *c, const char *word, const char *rest)
{
	struct talk *t = c->model->shown;
	char topic[2 * WORD];
	struct chat_request *r;

	(void)snprintf(topic, sizeof(topic), "%s%s%s", word,
	    rest[0] != '\0' ? " " : "", rest);
	if ((r = request(c, t->name, "the topic", "is set in")) != NULL)
		r->ref = core_room_topic(c->app->core, t->name, topic);
	return (SN_OK);
}

static enum sn_err run_members(
    struct chat *c, const char *word, const char *rest)
{
	struct talk *t = c->model->shown;
	struct chat_request *r = chat_request(c, CHAT_LIST);
	char title[128];

	(void)word;
	(void)rest;
	if (r == NULL)
		return (SN_OK);
	(void)snprintf(title, sizeof(title), "Who is in %s", t->name);
	model_page(c->model, title);
	r->ref = core_room_members(c->app->core, t->name);
	return (SN_OK);
}

static enum sn_err run_rooms(struct chat *c, const char *word, const char *rest)
{
	struct chat_request *r = chat_request(c, CHAT_LIST);

	(void)word;
	(void)rest;
	if (r == NULL)
		return (SN_OK);
	model_page(c->model, "Open rooms, and those you are in (*)");
	r->ref = core_room_list(c->app->core);
	return (SN_OK);
}

static enum sn_err away(struct chat *c, bool away)
{
	struct chat_request *r = chat_request(c, CHAT_DONE);

	if (r == NULL)
		return (SN_OK);
	(void)snprintf(r->said, sizeof(r->said), "%s",
	    away ? "you are shown as away" : "you are shown as online");
	c->model->away = away;
	r->ref = core_away(c->app->core, away);
	return (SN_OK);
}

static enum sn_err run_away(struct chat *c, const char *word, const char *rest)
{
	(void)word;
	(void)rest;
	return (away(c, true));
}

static enum sn_err run_back(struct chat *c, const char *word, const char *rest)
{
	(void)word;
	(void)rest;
	return (away(c, false));
}

static enum sn_err run_quit(struct chat *c, const char *word, const char *rest)
{
	(void)word;
	(void)rest;
	chat_leave(c);
	return (SN_OK);
}

static const struct command commands[] = {
	{ "help", "", "this page", 0, false, run_help },
	{ "open", "NAME", "talk with a person, or show a room", 1, false,
	    run_open },
	{ "close", "", "off the list; nothing is deleted", 0, false,
	    run_close },
	{ "rooms", "", "which rooms there are", 0, false, run_rooms },
	{ "join", "#ROOM", "go into a room", 1, false, run_join },
	{ "create", "#ROOM [TOPIC]", "make a room that anyone may join", 1,
	    false, run_create },
	{ "private", "#ROOM [TOPIC]", "make one by invitation", 1, false,
	    run_private },
	{ "members", "", "who is in this room", 0, true, run_members },
	{ "invite", "NAME", "let somebody into this room", 1, true,
	    run_invite },
	{ "remove", "NAME", "put somebody out of this room", 1, true,
	    run_remove },
	{ "topic", "TEXT", "what this room is about", 1, true, run_topic },
	{ "leave", "", "leave this room", 0, true, run_leave },
	{ "away", "", "be shown as away", 0, false, run_away },
	{ "back", "", "be shown as online again", 0, false, run_back },
	{ "quit", "", "end; so do Ctrl-C and Ctrl-D", 0, false, run_quit },
};
#define COMMANDS (sizeof(commands) / sizeof(*commands))

/* The next word of ${line} from *${at} on, cut to fit. */
static const char *next_word(struct sn_bytes line, size_t *at, char out[WORD])
{
	const char *p = line.p;
	size_t n = 0;

	while (*at < line.n && strchr(" \t\n", p[*at]) != NULL)
		(*at)++;
	while (*at < line.n && strchr(" \t\n", p[*at]) == NULL) {
		if (n + 1 < WORD)
			out[n++] = p[*at];
		(*at)++;
	}
	out[n] = '\0';
	return (out);
}

static const char *rest_of(struct sn_bytes line, size_t at, char out[WORD])
{
	const char *p = line.p;

	while (at < line.n && strchr(" \t\n", p[at]) != NULL)
		at++;
	(void)snprintf(out, WORD, "%.*s", (int)(line.n - at), p + at);
	return (out);
}

enum sn_err chat_command(struct chat *c, struct sn_bytes line)
{
	char name[WORD], word[WORD], rest[WORD];
	const struct command *command = NULL;
	struct talk *shown = c->model->shown;
	size_t at = 1;

	(void)next_word(line, &at, name);
	(void)next_word(line, &at, word);
	(void)rest_of(line, at, rest);
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(commands[i].name, name) == 0)
			command = commands + i;
	}
	if (command == NULL)
		model_tell(c->model, true,
		    "there is no command /%.20s; /help lists them, and //%.20s "
		    "sends it",
		    name, name);
	else if (command->least > 0 && word[0] == '\0')
		model_tell(c->model, true, "/%s %s: %s", name,
		    command->synopsis, command->help);
	else if (command->in_room && (shown == NULL || !talk_is_room(shown)))
		model_tell(c->model, true, "/%s is for rooms", name);
	else
		return (command->run(c, word, rest));
	return (SN_OK);
}

void chat_complete(struct edit *edit)
{
	const struct command *found = NULL;
	char text[WORD];

	for (size_t i = 0; i < COMMANDS; i++) {
		const char *name = commands[i].name;

		if (edit->n <= strlen(name) + 1 && edit->n > 1 &&
		    memcmp(name, edit->text + 1, edit->n - 1) == 0) {
			if (found != NULL)
				return;
			found = commands + i;
		}
	}
	if (found == NULL)
		return;
	(void)snprintf(text, sizeof(text), "/%s ", found->name);
	edit_set(edit, sn_bytes_of(text));
}

void chat_help(struct chat *c)
{
	struct model *m = c->model;

	model_page(m, "Keys and commands");
	model_add(m,
	    "Enter sends what was typed; Alt-Enter begins a new line.\n"
	    "Page Up and Page Down, the arrows: older and newer messages.\n"
	    "Tab: the next conversation with something unread.\n"
	    "Ctrl-N, Ctrl-P or Alt with the arrows: the next, the previous.\n"
	    "Ctrl-W, Ctrl-U, Ctrl-K erase a word, what is before, what is "
	    "behind.\n"
	    "Ctrl-L draws anew.  Ctrl-C drops what was typed, or ends.\n\n");
	for (size_t i = 0; i < COMMANDS; i++) {
		char head[64];

		(void)snprintf(head, sizeof(head), "/%s %s", commands[i].name,
		    commands[i].synopsis);
		model_add(m, "%-24s %s\n", head, commands[i].help);
	}
	model_add(m,
	    "\nBeside a message of yours stands how far it has come: sending, "
	    "stored (on the server's disk), delivered, read.  ● is somebody "
	    "who is there, ○ somebody away.\n");
}
