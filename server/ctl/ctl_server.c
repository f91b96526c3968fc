#include <stdio.h>
#include <string.h>

#include "lib/ctl.h"
#include "server/ctl/ctl.h"
#include "server/ctl/show.h"

static void put_listening(const json_t *reply)
{
	const json_t *one, *list = json_object_get(reply, "listening");
	size_t i;

	json_array_foreach(list, i, one)
	{
		(void)printf("%-12s ", "listening");
		show_text(stdout, json_string_value(one));
		(void)putchar('\n');
	}
}

static void put_troubles(const json_t *reply)
{
	if (json_is_true(json_object_get(reply, "reading_only")))
		(void)printf("%-12s the disk failed: nothing is stored until "
			     "a restart\n",
		    "TROUBLE");
	if (json_is_true(json_object_get(reply, "clock_held")))
		(void)printf("%-12s the time leapt: nothing is removed; see "
			     "sicherctl store accept-clock --help\n",
		    "TROUBLE");
}

static void put_child(const json_t *reply, const char *name)
{
	(void)printf("%-12s pid %lld\n", name,
	    ctl_number(json_object_get(reply, name), "pid"));
}

/* Those that were reached. */
static void put_limits(json_t *reply)
{
	json_t *times, *all = json_object_get(reply, "limits_reached");
	const char *key, *label = "at a limit";

	json_object_foreach(all, key, times)
	{
		if (json_integer_value(times) <= 0)
			continue;
		(void)printf("%-12s ", label);
		show_text(stdout, key);
		(void)printf(
		    " %lld times\n", (long long)json_integer_value(times));
		label = "";
	}
}

static void put_logins(const json_t *reply)
{
	long long waiting = ctl_number(reply, "waiting_to_log_in");

	if (waiting > 0)
		(void)printf("%-12s %lld at the moment, and %lld wait for "
			     "their turn\n",
		    "logging in", ctl_number(reply, "logging_in"), waiting);
}

static void put_crl_state(const json_t *reply)
{
	const char *state = sn_ctl_text(reply, "crl_state");
	long long left = ctl_number(reply, "crl_left");
	char span[32];

	if (state[0] == '\0' || strcmp(state, "ok") == 0)
		return;
	(void)show_span(left < 0 ? -left : left, span, sizeof(span));
	(void)printf("%-12s ", "  ALARM");
	if (strcmp(state, "expired") == 0)
		(void)printf("it ended %s ago, and nobody new is let in", span);
	else if (strcmp(state, "grace") == 0)
		(void)printf("it ended %s ago, and is still believed", span);
	else
		(void)printf("it ends in %s", span);
	(void)printf(": sicher-ca crl publish makes a new one\n");
}

/* The server's own certificate, and what else ends soon. */
static void put_certificates(const json_t *reply)
{
	const json_t *one, *all = json_object_get(reply, "certificates");
	char span[32];
	size_t i;

	json_array_foreach(all, i, one)
	{
		bool own = strcmp(sn_ctl_text(one, "of"), "server") == 0;
		long long left = ctl_number(one, "left");

		if (own) {
			(void)printf("%-12s until ", "certificate");
			show_text(stdout, sn_ctl_text(one, "not_after"));
			(void)putchar('\n');
		}
		if (strcmp(sn_ctl_text(one, "state"), "ok") == 0)
			continue;
		(void)show_span(left < 0 ? -left : left, span, sizeof(span));
		(void)printf("%-12s ", "  ALARM");
		show_text(stdout, sn_ctl_text(one, "subject"));
		(void)printf(
		    left < 0 ? " ended %s ago: " : " ends in %s: ", span);
		(void)printf(own ? "sicher-ca server HOST makes a new one\n"
				 : "sicher-ca expiry says what to do\n");
	}
}

int ctl_status(struct sn_cli *cli)
{
	char used[32], size[32], up[32];
	enum ctl_status status;
	const json_t *keeper;
	json_t *reply;

	status = ctl_ask(cli, ctl_request(cli, "status"), &reply);
	if (status != CTL_OK)
		return ((int)status);
	if (!ctl_json(cli, reply)) {
		put_listening(reply);
		put_troubles(reply);
		(void)printf("%-12s %s, children restarted %lld times\n", "up",
		    show_span(ctl_number(reply, "uptime"), up, sizeof(up)),
		    ctl_number(reply, "restarts"));
		(void)printf("%-12s %lld, and %lld not logged in\n", "sessions",
		    ctl_number(reply, "sessions"),
		    ctl_number(reply, "connections") -
			ctl_number(reply, "sessions"));
		put_logins(reply);
		(void)printf(
		    "%-12s %lld\n", "log's head", ctl_number(reply, "head"));
		(void)printf("%-12s %s of %s\n", "database",
		    show_size(
			ctl_number(reply, "store_used"), used, sizeof(used)),
		    show_size(
			ctl_number(reply, "store_size"), size, sizeof(size)));
		(void)printf(
		    "%-12s number %lld\n", "CRL", ctl_number(reply, "crl"));
		show_line("  next by", reply, "crl_next_update");
		put_crl_state(reply);
		put_certificates(reply);
		put_child(reply, "net");
		put_child(reply, "keeper");
		keeper = json_object_get(reply, "keeper");
		(void)printf("%-12s %lld computed, %lld waiting\n", "passwords",
		    ctl_number(keeper, "passwords_checked"),
		    ctl_number(keeper, "passwords_waiting"));
		put_limits(reply);
		if (ctl_number(reply, "faults") > 0)
			(void)printf("%-12s %lld: please report the lines of "
				     "the log\n",
			    "faults", ctl_number(reply, "faults"));
	}
	json_decref(reply);
	return (CTL_OK);
}

int ctl_reload(struct sn_cli *cli)
{
	enum ctl_status status;
	json_t *reply;

	status = ctl_ask(cli, ctl_request(cli, "reload"), &reply);
	if (status != CTL_OK)
		return ((int)status);
	if (!ctl_json(cli, reply))
		(void)printf("Configuration and files are in force, CRL "
			     "number %lld; %s closed.\n",
		    ctl_number(reply, "crl"),
		    ctl_sessions(ctl_number(reply, "closed")));
	json_decref(reply);
	return (CTL_OK);
}
