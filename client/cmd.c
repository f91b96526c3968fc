#include "client/cmd.h"

#include <errno.h>
#include <stdlib.h>

#include "client/app.h"

bool cmd_number(const struct sn_cli *cli, const char *option, uint64_t usual,
    uint64_t most, uint64_t *out)
{
	const char *text = sn_cli_value(cli, option);
	char *end;

	*out = usual;
	if (text == NULL)
		return (true);
	errno = 0;
	*out = strtoull(text, &end, 10);
	return (text[0] >= '0' && text[0] <= '9' && *end == '\0' &&
		errno == 0 && *out <= most);
}

/* Refusals that mean something of their own here. */
static void explain(struct app *app, enum sn_err err, const char *of)
{
	if (err == SN_ENOTFOUND)
		(void)sn_why(&app->why, err,
		    "there is no %s that you may know of: you have to share a "
		    "room or a conversation",
		    of);
	else if (err == SN_ELIMIT)
		(void)sn_why(&app->why, err,
		    "in a room as large as %s nobody is told who has got or "
		    "read what",
		    of);
}

static enum sn_err list(struct app *app, const struct cmd_listing *listing)
{
	bool json = sn_cli_has(app->cli, "json");
	const char *of = sn_cli_arg(app->cli, 0);
	struct core_event ev;
	unsigned count = 0;
	enum sn_err err;
	uint32_t ref;

	/* Without a name it is about oneself. */
	if (of == NULL)
		of = core_welcome(app->core)->account;
	ref = listing->ask(app->core, of);
	while ((err = app_await(app, ref, &ev)) == SN_OK &&
	       ev.type == listing->type) {
		listing->show(&ev, json);
		count++;
	}
	explain(app, err, of);
	/* That there is nothing is an answer, too. */
	if (err == SN_OK && count == 0 && !json)
		app_say("%s", listing->none);
	return (err);
}

int cmd_list(struct sn_cli *cli, const struct cmd_listing *listing)
{
	const char *of = sn_cli_arg(cli, 0);
	struct app app;
	enum sn_err err;

	if ((err = app_open(&app, cli, false, 0)) == SN_OK &&
	    (of == NULL || (err = app_target(&app, of)) == SN_OK) &&
	    (err = app_login(&app)) == SN_OK)
		err = list(&app, listing);
	return (app_close(&app, err));
}
