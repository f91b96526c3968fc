#include "client/cmd.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/app.h"
#include "client/show.h"
#include "client/when.h"
#include "lib/clock.h"

#define LIMIT_USUAL 20
#define LIMIT_MOST 200

static enum sn_err moment(
    struct app *app, const char *option, struct sn_maybe *out)
{
	const char *text = sn_cli_value(app->cli, option);

	out->set = text != NULL;
	if (text == NULL || when_parse(text, sn_clock_wall_ms(), &out->value))
		return (SN_OK);
	return (sn_why(&app->why, SN_EINVAL,
	    "--%s takes a date (2026-11-24), a time in UTC "
	    "(2026-11-24T09:30:00Z), or how long ago it was (90s, 15m, 2h, "
	    "3d)",
	    option));
}

static enum sn_err options(struct app *app, struct core_range *range)
{
	struct sn_cli *cli = app->cli;
	enum sn_err err;

	range->before.set = sn_cli_has(cli, "before");
	range->after.set = sn_cli_has(cli, "after");
	if ((err = moment(app, "since", &range->after_time)) != SN_OK ||
	    (err = moment(app, "until", &range->before_time)) != SN_OK)
		return (err);
	if (range->before.set + range->after.set + range->after_time.set +
		range->before_time.set >
	    1)
		return (sn_why(&app->why, SN_EINVAL,
		    "give one of --before, --after, --since and --until"));
	if (!cmd_number(cli, "before", 0, UINT64_MAX, &range->before.value) ||
	    !cmd_number(cli, "after", 0, UINT64_MAX, &range->after.value) ||
	    (range->before.set && range->before.value == 0))
		return (sn_why(&app->why, SN_EINVAL,
		    "--before and --after take the number (seq) of a "
		    "message"));
	if (!cmd_number(cli, "limit", LIMIT_USUAL, LIMIT_MOST, &range->limit) ||
	    range->limit == 0)
		return (sn_why(&app->why, SN_EINVAL,
		    "--limit is a number from 1 to %d; for more, go on with "
		    "--before",
		    LIMIT_MOST));
	return (app_target(app, sn_cli_arg(cli, 0)));
}

static void more(const struct app *app, const struct core_range *range,
    uint64_t first, uint64_t last)
{
	const char *with = sn_cli_arg(app->cli, 0);

	if (range->after.set || range->after_time.set)
		app_say("there are newer ones: sicher history %s --after "
			"%" PRIu64,
		    with, last);
	else
		app_say("there are older ones: sicher history %s --before "
			"%" PRIu64,
		    with, first);
}

static enum sn_err show(struct app *app, const struct core_range *range)
{
	bool json = sn_cli_has(app->cli, "json");
	uint64_t first = 0, last = 0;
	struct core_event ev;
	enum sn_err err;
	uint32_t ref = core_history(app->core, sn_cli_arg(app->cli, 0), range);

	while (
	    (err = app_await(app, ref, &ev)) == SN_OK && ev.type == CORE_ITEM) {
		first = first == 0 ? ev.message.seq : first;
		last = ev.message.seq;
		if (json)
			show_json(&ev.message, stdout);
		else
			show_text(&ev.message, core_welcome(app->core)->account,
			    stdout);
	}
	if (err == SN_OK && ev.end.more && !json && first != 0)
		more(app, range, first, last);
	return (err);
}

int cmd_history(struct sn_cli *cli)
{
	struct core_range range = { 0 };
	struct app app;
	enum sn_err err;

	if ((err = app_open(&app, cli, false, 0)) == SN_OK &&
	    (err = options(&app, &range)) == SN_OK &&
	    (err = app_login(&app)) == SN_OK)
		err = show(&app, &range);
	return (app_close(&app, err));
}
