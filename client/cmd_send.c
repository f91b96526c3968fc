#include "client/cmd.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "client/app.h"
#include "client/await.h"
#include "client/show.h"
#include "lib/clock.h"
#include "lib/conf_unit.h"
#include "lib/file.h"

#define WAIT_SECONDS 30
#define WAIT_MOST 86400

struct letter {
	struct core_message message;
	char *body; /* malloc'd, when it was read. */
	char id[2 * SN_FRAME_ID + 1];
	uint64_t wait;
	const char *until; /* "stored", "delivered", "read" */
};

static enum sn_err too_long(struct app *app)
{
	return (sn_why(&app->why, SN_ETOOBIG,
	    "the message is too long: at most %d bytes; send a file in "
	    "parts, or say where it is",
	    SN_FRAME_BODY_MAX));
}

/* Most often what should have written the message has failed. */
static enum sn_err nothing(struct app *app, const char *to)
{
	app->status = EX_DATAERR;
	return (sn_why(&app->why, SN_EINVAL,
	    "standard input was empty, so nothing was sent; an empty message "
	    "is sent by: sicher send '%s' ''",
	    to));
}

static enum sn_err read_body(struct app *app, struct letter *l)
{
	size_t size = SN_FRAME_BODY_MAX + 2, n = 0;

	if ((l->body = malloc(size)) == NULL)
		return (sn_why(&app->why, SN_ENOMEM, "out of memory"));
	n = fread(l->body, 1, size, stdin);
	if (ferror(stdin))
		return (sn_why_errno(
		    &app->why, SN_EIO, "cannot read standard input"));
	/* The end of a text's last line is not part of what was said. */
	if (strncmp(l->message.type, "text/", 5) == 0 && n > 0 &&
	    l->body[n - 1] == '\n')
		n--;
	if (n > SN_FRAME_BODY_MAX)
		return (too_long(app));
	if (n == 0)
		return (nothing(app, l->message.to));
	l->message.body = (struct sn_bytes){ l->body, n };
	return (SN_OK);
}

static enum sn_err fill_in(struct app *app, struct letter *l)
{
	const char *id = sn_cli_value(app->cli, "id");
	const char *type = sn_cli_value(app->cli, "type");
	const char *ttl = sn_cli_value(app->cli, "ttl");
	const char *text = sn_cli_arg(app->cli, 1);
	enum sn_err err;

	l->message.to = sn_cli_arg(app->cli, 0);
	l->message.type = type != NULL ? type : "text/plain";
	if ((err = app_target(app, l->message.to)) != SN_OK)
		return (err);
	if (l->message.type[0] == '\0' || strlen(l->message.type) > 64)
		return (sn_why(&app->why, SN_EINVAL,
		    "--type is a media type of at most 64 bytes, such as "
		    "text/plain"));
	if (!cmd_number(app->cli, "timeout", WAIT_SECONDS, WAIT_MOST, &l->wait))
		return (sn_why(&app->why, SN_EINVAL,
		    "--timeout is a number of seconds, at most %d", WAIT_MOST));
	if (ttl != NULL &&
	    (!sn_conf_unit_parse(ttl, SN_CONF_DURATION, &l->message.ttl) ||
		l->message.ttl == 0))
		return (sn_why(&app->why, SN_EINVAL,
		    "--ttl is a time such as 90s, 10m, 12h or 3d"));
	l->until = sn_cli_value(app->cli, "wait");
	if (l->until == NULL)
		l->until = "stored";
	if (strcmp(l->until, "stored") != 0 &&
	    strcmp(l->until, "delivered") != 0 && strcmp(l->until, "read") != 0)
		return (sn_why(&app->why, SN_EINVAL,
		    "--wait takes stored, delivered or read"));
	if (id == NULL)
		core_id(l->message.id);
	else if (!sn_bytes_unhex(id, l->message.id, SN_FRAME_ID))
		return (sn_why(&app->why, SN_EINVAL,
		    "--id is 32 hexadecimal digits, such as the one an "
		    "earlier send has told"));
	(void)sn_bytes_hex(l->message.id, SN_FRAME_ID, l->id);
	if (text == NULL || strcmp(text, "-") == 0)
		return (read_body(app, l));
	l->message.body = sn_bytes_of(text);
	return (strlen(text) > SN_FRAME_BODY_MAX ? too_long(app) : SN_OK);
}

static void tell(struct app *app, const struct letter *l,
    const struct sn_frame_stored *stored)
{
	if (sn_cli_has(app->cli, "json")) {
		json_t *o = json_object();

		(void)json_object_set_new(
		    o, "seq", json_integer((json_int_t)stored->seq));
		(void)json_object_set_new(
		    o, "time_ms", json_integer((json_int_t)stored->time));
		(void)json_object_set_new(o, "id", json_string(l->id));
		(void)json_object_set_new(
		    o, "duplicate", json_boolean(stored->duplicate));
		show_line(o, stdout);
		return;
	}
	(void)printf("%" PRIu64 "\n", stored->seq);
	if (stored->duplicate)
		app_say("a message with this id was stored before; nothing "
			"new was");
}

/* Its end came before an answer: what is known of the message. */
static enum sn_err unanswered(
    struct app *app, const struct letter *l, uint32_t ref, enum sn_err err)
{
	struct sn_why before = app->why;

	if (!core_unsure(app->core, ref))
		return (sn_why(&app->why, err,
		    "%.400s -- the message was not stored", before.text));
	return (sn_why(&app->why, err,
	    "%.300s -- it is not known whether the message was stored; to be "
	    "sure, send it again with --id %s",
	    before.text, l->id));
}

static enum sn_err refused(
    struct app *app, const struct letter *l, const struct core_event *ev)
{
	memcpy(app->code, ev->code, sizeof(app->code));
	return (sn_why(
	    &app->why, ev->err, "to %s: %.400s", l->message.to, ev->why.text));
}

static enum sn_err post(
    struct app *app, struct letter *l, uint64_t until, uint64_t *seq)
{
	struct core_event ev;
	enum sn_err err;
	uint32_t ref;

	if ((err = core_send(app->core, &l->message, &ref)) != SN_OK)
		return (sn_why(
		    &app->why, err, "cannot send: %s", sn_err_text(err)));
	for (;;) {
		while (app_try(app, &ev)) {
			if (ev.type == CORE_OVER)
				return (unanswered(app, l, ref, ev.err));
			if (ev.type == CORE_STORED) {
				tell(app, l, &ev.stored);
				*seq = ev.stored.seq;
				return (SN_OK);
			}
			if (ev.type == CORE_REFUSED && ev.ref == ref) {
				return (refused(app, l, &ev));
			}
		}
		if (sn_clock_mono() >= until) {
			(void)sn_why(&app->why, SN_ETIMEOUT,
			    "no answer within %d seconds", (int)l->wait);
			return (unanswered(app, l, ref, SN_ETIMEOUT));
		}
		(void)app_wait(app, -1, until);
	}
}

static enum sn_err send_it(struct app *app, struct letter *l)
{
	uint64_t until = sn_clock_mono() + l->wait * SN_NS_PER_S, seq = 0;
	struct await w = { .app = app,
		.to = l->message.to,
		.kind = l->until,
		.until = until };
	enum sn_err err;

	if ((err = post(app, l, until, &seq)) != SN_OK ||
	    strcmp(l->until, "stored") == 0)
		return (err);
	(void)fflush(stdout);
	w.seq = seq;
	return (await_receipts(&w));
}

int cmd_send(struct sn_cli *cli)
{
	struct app app;
	struct letter l = { 0 };
	enum sn_err err;
	int status;

	if ((err = app_open(&app, cli, true, SN_FEATURE_RECEIPTS)) == SN_OK &&
	    (err = fill_in(&app, &l)) == SN_OK &&
	    (err = app_login(&app)) == SN_OK)
		err = send_it(&app, &l);
	status = app_close(&app, err);
	free(l.body);
	return (status);
}
