#include "client/cmd.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "client/app.h"
#include "client/safe.h"
#include "client/show.h"
#include "lib/name.h"

/* A request about the room of the first argument. */
typedef uint32_t request(struct app *app, const char *room, const char *more);

static enum sn_err names(struct app *app)
{
	const char *room = sn_cli_arg(app->cli, 0);
	char shown[256];

	if (room == NULL || sn_name_room(sn_bytes_of(room)))
		return (SN_OK);
	return (sn_why(&app->why, SN_EINVAL,
	    "\"%s\" is no room; rooms are written like '#ops', in quotes",
	    safe_line(sn_bytes_of(room), shown, sizeof(shown))));
}

static void show_room(const struct sn_frame_room *r, bool json)
{
	char name[512], topic[2048];
	json_t *o;

	if (!json) {
		(void)printf("%s %s%s, %" PRIu64 " member%s%s%s\n",
		    r->joined ? "*" : " ",
		    safe_line(r->room, name, sizeof(name)),
		    r->open ? "" : " (by invitation)", r->members,
		    r->members == 1 ? "" : "s", r->topic.n > 0 ? ": " : "",
		    safe_line(r->topic, topic, sizeof(topic)));
		return;
	}
	o = json_object();
	(void)json_object_set_new(o, "room", show_string(r->room));
	(void)json_object_set_new(o, "topic", show_string(r->topic));
	(void)json_object_set_new(o, "open", json_boolean(r->open));
	(void)json_object_set_new(
	    o, "members", json_integer((json_int_t)r->members));
	(void)json_object_set_new(o, "joined", json_boolean(r->joined));
	(void)json_object_set_new(o, "history", json_boolean(r->history));
	show_line(o, stdout);
}

static void show_member(const struct sn_frame_member *m, bool json)
{
	char name[512], role[64];
	json_t *o;

	if (!json) {
		(void)printf("%s (%s)\n",
		    safe_line(m->account, name, sizeof(name)),
		    safe_line(m->role, role, sizeof(role)));
		return;
	}
	o = json_object();
	(void)json_object_set_new(o, "account", show_string(m->account));
	(void)json_object_set_new(o, "role", show_string(m->role));
	show_line(o, stdout);
}

static enum sn_err answers(struct app *app, uint32_t ref)
{
	bool json = sn_cli_has(app->cli, "json");
	struct core_event ev;
	enum sn_err err;

	while ((err = app_await(app, ref, &ev)) == SN_OK) {
		if (ev.type == CORE_ROOM)
			show_room(&ev.room, json);
		else if (ev.type == CORE_MEMBER)
			show_member(&ev.member, json);
		else
			break;
	}
	return (err);
}

static uint32_t ask_create(struct app *app, const char *room, const char *more)
{
	struct core_room how = {
		.topic = more != NULL ? more : "",
		.open = !sn_cli_has(app->cli, "private"),
		.history = sn_cli_has(app->cli, "history"),
	};

	return (core_room_create(app->core, room, &how));
}

static uint32_t ask_join(struct app *app, const char *room, const char *more)
{
	(void)more;
	return (core_room_join(app->core, room));
}

static uint32_t ask_leave(struct app *app, const char *room, const char *more)
{
	(void)more;
	return (core_room_leave(app->core, room));
}

static uint32_t ask_invite(struct app *app, const char *room, const char *more)
{
	return (core_room_invite(app->core, room, more));
}

static uint32_t ask_remove(struct app *app, const char *room, const char *more)
{
	return (core_room_remove(app->core, room, more));
}

static uint32_t ask_list(struct app *app, const char *room, const char *more)
{
	(void)room;
	(void)more;
	return (core_room_list(app->core));
}

static uint32_t ask_members(struct app *app, const char *room, const char *more)
{
	(void)more;
	return (core_room_members(app->core, room));
}

static uint32_t ask_topic(struct app *app, const char *room, const char *more)
{
	return (core_room_topic(app->core, room, more));
}

static uint32_t ask_delete(struct app *app, const char *room, const char *more)
{
	(void)more;
	return (core_room_delete(app->core, room));
}

static uint32_t ask_history(struct app *app, const char *room, const char *more)
{
	return (core_room_history(app->core, room, strcmp(more, "open") == 0));
}

static uint32_t ask_owner(struct app *app, const char *room, const char *more)
{
	return (core_room_role(app->core, room, more,
	    sn_cli_has(app->cli, "revoke") ? "member" : "owner"));
}

/* Who is in a room already has what was asked for. */
static bool there_already(struct app *app, request *ask)
{
	if (strcmp(app->code, "exists") != 0 ||
	    (ask != ask_join && ask != ask_invite))
		return (false);
	app_say("%s in %s already",
	    ask == ask_join ? "you are" : sn_cli_arg(app->cli, 1),
	    sn_cli_arg(app->cli, 0));
	return (true);
}

/* Answers that mean something of their own here. */
static void explain(struct app *app, request *ask)
{
	bool revoke = ask == ask_owner && sn_cli_has(app->cli, "revoke");

	if (revoke && strcmp(app->code, "denied") == 0)
		(void)sn_why(&app->why, SN_EDENIED,
		    "only owners may do that, and a room keeps its last "
		    "owner: make somebody else one first");
	else if (ask == ask_owner && strcmp(app->code, "exists") == 0)
		(void)sn_why(&app->why, SN_EEXISTS, "%s is %s already",
		    sn_cli_arg(app->cli, 1), revoke ? "no owner" : "an owner");
}

static int run(struct sn_cli *cli, request *ask)
{
	struct app app;
	enum sn_err err;

	if ((err = app_open(&app, cli, false, 0)) == SN_OK &&
	    (err = names(&app)) == SN_OK && (err = app_login(&app)) == SN_OK)
		err = answers(
		    &app, ask(&app, sn_cli_arg(cli, 0), sn_cli_arg(cli, 1)));
	if (err == SN_EEXISTS && there_already(&app, ask))
		err = SN_OK;
	if (err != SN_OK)
		explain(&app, ask);
	return (app_close(&app, err));
}

int cmd_room_create(struct sn_cli *cli)
{
	return (run(cli, ask_create));
}

int cmd_room_join(struct sn_cli *cli)
{
	return (run(cli, ask_join));
}

int cmd_room_leave(struct sn_cli *cli)
{
	return (run(cli, ask_leave));
}

int cmd_room_invite(struct sn_cli *cli)
{
	return (run(cli, ask_invite));
}

int cmd_room_remove(struct sn_cli *cli)
{
	return (run(cli, ask_remove));
}

int cmd_room_list(struct sn_cli *cli)
{
	return (run(cli, ask_list));
}

int cmd_room_members(struct sn_cli *cli)
{
	return (run(cli, ask_members));
}

int cmd_room_topic(struct sn_cli *cli)
{
	return (run(cli, ask_topic));
}

int cmd_room_delete(struct sn_cli *cli)
{
	return (run(cli, ask_delete));
}

int cmd_room_owner(struct sn_cli *cli)
{
	return (run(cli, ask_owner));
}

int cmd_room_history(struct sn_cli *cli)
{
	const char *how = sn_cli_arg(cli, 1);

	if (strcmp(how, "open") != 0 && strcmp(how, "joined") != 0) {
		app_say("the history of a room is \"open\" (members may read "
			"all of it) or \"joined\" (from where they came in)");
		return (EX_USAGE);
	}
	return (run(cli, ask_history));
}
