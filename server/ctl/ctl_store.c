#include <stdio.h>

#include "lib/conf_unit.h"
#include "server/ctl/ctl.h"
#include "server/ctl/show.h"

static void put_size(const char *label, long long bytes, const char *more)
{
	char text[32];

	(void)printf(
	    "%-12s %s%s\n", label, show_size(bytes, text, sizeof(text)), more);
}

/* Sizes for people, beside the numbers that are there. */
static void add_texts(json_t *rows)
{
	char text[32];
	size_t i;
	json_t *row;

	json_array_foreach(rows, i, row)
	{
		long long limit = ctl_number(row, "limit_bytes");
		long long age = ctl_number(row, "limit_age");

		(void)json_object_set_new(row, "size",
		    json_string(show_size(
			ctl_number(row, "bytes"), text, sizeof(text))));
		if (limit > 0)
			(void)json_object_set_new(row, "most",
			    json_string(show_size(limit, text, sizeof(text))));
		if (age > 0)
			(void)json_object_set_new(row, "kept",
			    json_string(show_span(age, text, sizeof(text))));
	}
}

static void put_users(json_t *reply, const char *list, const char *title)
{
	const struct show_column columns[] = { { title, "name" },
		{ "MESSAGES", "messages" }, { "SIZE", "size" },
		{ "LIMIT", "most" }, { "KEPT", "kept" }, { NULL, NULL } };
	json_t *rows = json_object_get(reply, list);

	if (json_array_size(rows) == 0)
		return;
	(void)putchar('\n');
	add_texts(rows);
	show_table(columns, rows);
}

static void put_tables(json_t *reply)
{
	static const struct show_column columns[] = { { "TABLE", "name" },
		{ "ROWS", "rows" }, { "SIZE", "size" }, { NULL, NULL } };
	json_t *rows = json_object_get(reply, "tables");

	(void)putchar('\n');
	add_texts(rows);
	show_table(columns, rows);
}

int ctl_store(struct sn_cli *cli)
{
	enum ctl_status status;
	json_t *reply;

	status = ctl_ask(cli, ctl_request(cli, "store"), &reply);
	if (status != CTL_OK)
		return ((int)status);
	if (!ctl_json(cli, reply)) {
		put_size("in use", ctl_number(reply, "store_used"), "");
		put_size("given back", ctl_number(reply, "store_free"),
		    ", to be used again");
		put_size("at most", ctl_number(reply, "store_size"),
		    " (store.map_size)");
		(void)printf("%-12s %lld stored; the log's head is %lld\n",
		    "messages", ctl_number(reply, "messages"),
		    ctl_number(reply, "head"));
		(void)printf("%-12s %lld since the start\n", "removed",
		    ctl_number(reply, "forgotten"));
		if (json_is_true(json_object_get(reply, "clock_held")))
			(void)printf("%-12s leapt: nothing is removed; see "
				     "sicherctl store accept-clock --help\n",
			    "clock");
		put_users(reply, "accounts", "ACCOUNT");
		put_users(reply, "rooms", "ROOM");
		put_tables(reply);
	}
	json_decref(reply);
	return (CTL_OK);
}

/* An option's number into the request; false when it is none. */
static bool take(const struct sn_cli *cli, json_t *request, const char *name,
    enum sn_conf_type type)
{
	const char *text = sn_cli_value(cli, name);
	uint64_t value;

	if (text == NULL)
		return (true);
	if (!sn_conf_unit_parse(text, type, &value) || value > INT64_MAX)
		return (false);
	(void)json_object_set_new(
	    request, name, json_integer((json_int_t)value));
	return (true);
}

int ctl_store_limit(struct sn_cli *cli)
{
	const char *name = sn_cli_arg(cli, 0);
	bool none = sn_cli_has(cli, "none");
	enum ctl_status status;
	json_t *request, *reply;

	if (none == (sn_cli_value(cli, "bytes") != NULL ||
			sn_cli_value(cli, "age") != NULL))
		return (sn_cli_usage(
		    cli, "say --bytes SIZE, --age TIME or both, or --none"));
	request = json_pack("{s:s, s:s, s:b}", "cmd", "store.limit", "name",
	    name, "none", none);
	if (!take(cli, request, "bytes", SN_CONF_SIZE) ||
	    !take(cli, request, "age", SN_CONF_DURATION)) {
		json_decref(request);
		return (sn_cli_usage(cli,
		    "a size is such as 500MiB, a time such as 30d or 12h"));
	}
	if ((status = ctl_ask(cli, request, &reply)) != CTL_OK)
		return ((int)status);
	if (!ctl_json(cli, reply))
		(void)printf(none ? "%s has no limit of its own now.\n"
				  : "The limit of %s is in force.\n",
		    name);
	json_decref(reply);
	return (CTL_OK);
}

int ctl_store_clock(struct sn_cli *cli)
{
	enum ctl_status status;
	json_t *reply;

	status = ctl_ask(cli, ctl_request(cli, "store.clock"), &reply);
	if (status != CTL_OK)
		return ((int)status);
	if (!ctl_json(cli, reply))
		(void)puts(json_is_true(json_object_get(reply, "was_held"))
			       ? "The time is taken as right; retention and "
				 "ttl go on."
			       : "The time was not in doubt.");
	json_decref(reply);
	return (CTL_OK);
}
