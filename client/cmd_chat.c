#include "client/cmd.h"

#include <unistd.h>

#include "client/chat.h"
#include "client/screen.h"

/* Line by line, unless there is a person with a screen. */
static bool plain(const struct app *app)
{
	struct sn_why why;

	if (sn_cli_has(app->cli, "plain") || !isatty(STDIN_FILENO) ||
	    !isatty(STDOUT_FILENO))
		return (true);
	if (screen_check(&why) == SN_OK)
		return (false);
	app_say("%s: line by line, then", why.text);
	return (true);
}

static enum sn_err talk(struct app *app)
{
	const char *with = sn_cli_arg(app->cli, 0);
	bool lines = plain(app);
	enum sn_err err;

	if (with == NULL && lines)
		return (sn_why(&app->why, SN_EINVAL,
		    "with whom?  Where there is no screen, a person or room "
		    "has to be named"));
	if ((with != NULL && (err = app_target(app, with)) != SN_OK) ||
	    (err = app_login(app)) != SN_OK)
		return (err);
	return (lines ? chat_lines(app, with) : chat_screen(app, with));
}

int cmd_chat(struct sn_cli *cli)
{
	struct app app;
	enum sn_err err = app_open(&app, cli, true, SN_FEATURES_ALL);

	if (err == SN_OK)
		err = talk(&app);
	return (app_close(&app, err));
}
