#include "bench/enrol.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "bench/crew.h"
#include "lib/ctl.h"

#define PATIENCE_MS 30000
/* The server queues passwords, and tells the 65th to come back. */
#define AT_ONCE 32

static enum sn_err add_one(struct sn_ctl *ctl, const struct person *person,
    const struct sn_secret *password, struct sn_why *why)
{
	json_t *request = json_pack("{s:s, s:s, s:s%}", "cmd", "account.add",
	    "account", person->name, "password", password->data, password->len);
	json_t *reply = NULL;
	enum sn_err err;

	if (request == NULL)
		return (sn_why(why, SN_EINVAL, "the password is not UTF-8"));
	err = sn_ctl_ask(ctl, request, &reply, why);
	json_decref(request);
	if (err == SN_OK && !sn_ctl_ok(reply) &&
	    strcmp(sn_ctl_text(reply, "error"), "exists") != 0)
		err = sn_why(why, SN_EDENIED, "%s: %s", person->name,
		    sn_ctl_text(reply, "message"));
	json_decref(reply);
	return (err);
}

static enum sn_err add_all(struct crew *crew, size_t count, const char *socket)
{
	const struct people *people = &crew->people;
	struct sn_ctl *ctl;
	enum sn_err err;

	if ((err = sn_ctl_open(socket, PATIENCE_MS, &ctl, &crew->why)) != SN_OK)
		return (err);
	for (size_t i = 0; i < count && err == SN_OK; i++)
		err = add_one(
		    ctl, &people->all[i], &people->password, &crew->why);
	sn_ctl_close(ctl);
	return (err);
}

static enum sn_err enrol(struct crew *crew, uint64_t most, const char *socket)
{
	size_t count = crew->people.count;
	enum sn_err err = SN_OK;

	if (most < count)
		count = (size_t)most;
	crew->house.login = CONN_LOGIN_PASSWORD;
	if (socket != NULL)
		err = add_all(crew, count, socket);
	if (err != SN_OK ||
	    (err = crew_man(crew, count, false, &crew->why)) != SN_OK ||
	    (err = crew_raise(crew, 0, count, AT_ONCE)) != SN_OK)
		return (err);
	crew_leave(crew);
	return (
	    people_save_tokens(&crew->people, crew->plan->tokens, &crew->why));
}

static int run(struct sn_cli *cli, const struct plan *plan, struct crew *crew)
{
	uint64_t most;
	enum sn_err err;

	if (!plan_number(cli, "connections", UINT64_MAX, 1, UINT64_MAX, &most))
		return (EX_USAGE);
	if ((err = crew_open(plan, crew, &crew->why)) == SN_OK) {
		err = enrol(crew, most, sn_cli_value(cli, "control"));
		if (err == SN_OK)
			(void)printf("%zu people have logged in; their tokens "
				     "are in %s\n",
			    crew->count, plan->tokens);
		crew_free(crew);
	}
	if (err == SN_OK)
		return (EX_OK);
	(void)fprintf(stderr, "sicher-bench: %s\n", crew->why.text);
	return (EX_SOFTWARE);
}

int enrol_run(struct sn_cli *cli)
{
	struct crew *crew = NULL;
	struct plan plan;
	int status = EX_USAGE;

	if (sn_cli_value(cli, "tokens") == NULL)
		return (sn_cli_usage(
		    cli, "--tokens FILE says where to keep what it gets"));
	if (sn_cli_value(cli, "password-file") == NULL)
		return (sn_cli_usage(
		    cli, "--password-file FILE has the password of all"));
	if (plan_read(cli, &plan) && (crew = calloc(1, sizeof(*crew))) != NULL)
		status = run(cli, &plan, crew);
	free(crew);
	return (status);
}
