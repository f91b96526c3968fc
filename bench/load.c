#include "bench/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

static int complain(enum sn_err err, const struct sn_why *why)
{
	(void)fprintf(stderr, "sicher-bench: %s\n",
	    why->text[0] != '\0' ? why->text : sn_err_text(err));
	return (EX_SOFTWARE);
}

/* Tokens that were renewed on the way are good for the next run. */
static enum sn_err keep_tokens(struct crew *crew)
{
	const char *path = crew->plan->tokens;

	if (path == NULL)
		return (SN_OK);
	return (people_save_tokens(&crew->people, path, &crew->why));
}

static int run(
    const struct load *load, const struct plan *plan, struct crew *crew)
{
	struct report report;
	enum sn_err err;

	if ((err = crew_open(plan, crew, &crew->why)) != SN_OK)
		return (complain(err, &crew->why));
	report_begin(&report, load->name, plan->protocol->name, plan->json);
	err = load->run(crew, &report);
	if (err == SN_OK) {
		crew_leave(crew);
		err = keep_tokens(crew);
	}
	if (err != SN_OK) {
		report_drop(&report);
		(void)complain(err, &crew->why);
	} else if (!report_end(&report)) {
		err = SN_EIO;
	}
	crew_free(crew);
	return (err == SN_OK ? EX_OK : EX_SOFTWARE);
}

int load_run(struct sn_cli *cli, const struct load *load)
{
	struct crew *crew = calloc(1, sizeof(*crew));
	struct plan plan;
	int status = EX_USAGE;

	if (crew == NULL)
		return (EX_OSERR);
	if (plan_read(cli, &plan))
		status = run(load, &plan, crew);
	free(crew);
	return (status);
}
