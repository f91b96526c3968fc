#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/ctl.h"
#include "server/ctl/ctl.h"
#include "server/ctl/show.h"

#define LOOK_MS 100

/* The server's working folder is not ours. */
static bool whole_path(const char *path, char *out, size_t size)
{
	char here[PATH_MAX] = "";
	int n;

	if (path[0] != '/' && getcwd(here, sizeof(here)) == NULL)
		return (false);
	n = snprintf(
	    out, size, "%s%s%s", here, here[0] != '\0' ? "/" : "", path);
	return (n > 0 && (size_t)n < size);
}

/* Asks until it is made, or has failed. */
static enum ctl_status await(const struct sn_cli *cli, json_t **reply)
{
	enum ctl_status status;

	for (;;) {
		status = ctl_ask(
		    cli, json_pack("{s:s}", "cmd", "backup.status"), reply);
		if (status != CTL_OK ||
		    !json_is_true(json_object_get(*reply, "running")))
			return (status);
		json_decref(*reply);
		(void)poll(NULL, 0, LOOK_MS);
	}
}

int ctl_backup(struct sn_cli *cli)
{
	char dir[PATH_MAX], size[32];
	enum ctl_status status;
	json_t *reply;

	if (!whole_path(sn_cli_arg(cli, 0), dir, sizeof(dir)))
		return ((int)ctl_failed(
		    cli, CTL_FAILED, "the folder's path is too long"));
	status = ctl_ask(
	    cli, json_pack("{s:s, s:s}", "cmd", "backup", "dir", dir), &reply);
	if (status != CTL_OK)
		return ((int)status);
	json_decref(reply);
	if ((status = await(cli, &reply)) != CTL_OK)
		return ((int)status);
	if (!ctl_json(cli, reply))
		(void)printf("%s: %s; to restore it: sicherd restore %s\n", dir,
		    show_size(ctl_number(reply, "bytes"), size, sizeof(size)),
		    dir);
	json_decref(reply);
	return (CTL_OK);
}

static bool put_lines(const json_t *reply)
{
	const json_t *line;
	size_t i;

	json_array_foreach(json_object_get(reply, "lines"), i, line)
	{
		if (json_dumpf(line, stdout, JSON_COMPACT) != 0 ||
		    putchar('\n') == EOF)
			return (false);
	}
	return (true);
}

int ctl_export(struct sn_cli *cli)
{
	json_t *reply, *after = NULL;
	enum ctl_status status;
	bool more = true, written;

	while (more) {
		json_t *request = ctl_request(cli, "export");

		if (after != NULL)
			(void)json_object_set_new(request, "after", after);
		status = ctl_ask(cli, request, &reply);
		if (status != CTL_OK)
			return ((int)status);
		more = json_is_true(json_object_get(reply, "more"));
		after = json_incref(json_object_get(reply, "next"));
		written = put_lines(reply);
		json_decref(reply);
		if (!written) {
			json_decref(after);
			return ((int)ctl_failed(
			    cli, CTL_FAILED, "cannot write all of it"));
		}
	}
	json_decref(after);
	return (CTL_OK);
}
