#include "bench/plan.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"

#define CONNECTIONS_MAX 200000
#define IN_FLIGHT_MAX 100000
#define RATE_MAX 10000000
#define SECONDS_MAX 86400
#define PIDS_MAX 8

/* clang-format off */
const struct sn_cli_option plan_options[] = {
	{ "to", 't', "HOST:PORT", "the server (127.0.0.1:7443)" },
	{ "server-name", 0, "NAME", "that its certificate bears; else HOST" },
	{ "protocol", 'p', "NAME", "what it speaks (sicher)" },
	{ "people", 'P', "DIR", "certificates, as sicher-ca issue leaves them "
	    "(authority/people)" },
	{ "password-file", 0, "FILE", "the password of all of them" },
	{ "tokens", 0, "FILE", "their resume tokens, from `sicher-bench "
	    "enrol`" },
	{ "pid", 0, "PID", "a process of the server, on this machine: its CPU "
	    "and memory are measured, its children's too; may be repeated" },
	{ "json", 'j', NULL, "answer in JSON, one object" },
	{ NULL, 0, NULL, NULL },
};
/* clang-format on */

bool plan_number(const struct sn_cli *cli, const char *option, uint64_t usual,
    uint64_t least, uint64_t most, uint64_t *out)
{
	const char *text = sn_cli_value(cli, option);
	char *end;

	*out = usual;
	if (text == NULL)
		return (true);
	errno = 0;
	*out = strtoull(text, &end, 10);
	if (*text >= '0' && *text <= '9' && *end == '\0' && errno == 0 &&
	    *out >= least && *out <= most)
		return (true);
	(void)sn_cli_usage(cli,
	    "--%s takes a number from %llu to %llu, not \"%s\"", option,
	    (unsigned long long)least, (unsigned long long)most, text);
	return (false);
}

static bool read_seconds(const struct sn_cli *cli, const char *option,
    double usual, double least, uint64_t *ns)
{
	const char *text = sn_cli_value(cli, option);
	double value = usual;
	char *end;

	if (text != NULL) {
		value = strtod(text, &end);
		if (*text < '0' || *text > '9' || *end != '\0' ||
		    !(value >= least && value <= SECONDS_MAX)) {
			(void)sn_cli_usage(cli,
			    "--%s takes seconds from %g to %d, not \"%s\"",
			    option, least, SECONDS_MAX, text);
			return (false);
		}
	}
	*ns = (uint64_t)(value * (double)SN_NS_PER_S);
	return (true);
}

static bool look_up(const char *host, const char *port, struct sockaddr_in *out)
{
	struct addrinfo hints = { .ai_family = AF_INET,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV };
	struct addrinfo *found;

	if (getaddrinfo(host, port, &hints, &found) != 0)
		return (false);
	memcpy(out, found->ai_addr, sizeof(*out));
	freeaddrinfo(found);
	return (true);
}

static bool read_server(const struct sn_cli *cli, struct plan *plan)
{
	const char *to = sn_cli_value(cli, "to");
	const char *name = sn_cli_value(cli, "server-name");
	char host[256];
	const char *colon;

	to = to != NULL ? to : "127.0.0.1:7443";
	colon = strrchr(to, ':');
	if (colon == NULL || (size_t)(colon - to) >= sizeof(host)) {
		(void)sn_cli_usage(cli, "--to takes HOST:PORT, not \"%s\"", to);
		return (false);
	}
	(void)snprintf(host, sizeof(host), "%.*s", (int)(colon - to), to);
	(void)snprintf(plan->server_name, sizeof(plan->server_name), "%s",
	    name != NULL ? name : host);
	if (look_up(host, colon + 1, &plan->server))
		return (true);
	(void)sn_cli_usage(
	    cli, "--to names no server that is known: \"%s\"", to);
	return (false);
}

static bool read_protocol(const struct sn_cli *cli, struct plan *plan)
{
	const char *name = sn_cli_value(cli, "protocol");

	name = name != NULL ? name : "sicher";
	if ((plan->protocol = protocol_find(name)) != NULL)
		return (true);
	(void)sn_cli_usage(cli, "there is no protocol \"%s\"; there are %s",
	    name, protocol_names());
	return (false);
}

static bool read_login(const struct sn_cli *cli, struct plan *plan)
{
	const char *how = sn_cli_value(cli, "login");

	plan->login = CONN_LOGIN_ANY;
	if (how == NULL)
		return (true);
	if (strcmp(how, "password") == 0)
		plan->login = CONN_LOGIN_PASSWORD;
	else if (strcmp(how, "token") == 0)
		plan->login = CONN_LOGIN_TOKEN;
	else {
		(void)sn_cli_usage(cli,
		    "--login takes \"password\" or \"token\", not \"%s\"", how);
		return (false);
	}
	return (true);
}

static bool read_pids(const struct sn_cli *cli, struct plan *plan)
{
	struct meter *m = &plan->meter;
	const char *text;
	char *end;
	long pid;

	for (m->count = 0; (text = sn_cli_nth(cli, "pid", m->count)) != NULL;
	     m->count++) {
		pid = strtol(text, &end, 10);
		if (m->count == PIDS_MAX || pid < 1 || *end != '\0' ||
		    pid > INT32_MAX) {
			(void)sn_cli_usage(cli,
			    "--pid takes the number of a process, %d times at "
			    "most, not \"%s\"",
			    PIDS_MAX, text);
			return (false);
		}
		m->roots[m->count] = (pid_t)pid;
	}
	return (true);
}

static bool read_numbers(const struct sn_cli *cli, struct plan *plan)
{
	uint64_t connections, in_flight, size;

	if (!plan_number(
		cli, "connections", 100, 1, CONNECTIONS_MAX, &connections) ||
	    !plan_number(cli, "in-flight", 1, 1, IN_FLIGHT_MAX, &in_flight) ||
	    !plan_number(
		cli, "size", 100, PLAN_SIZE_MIN, PLAN_SIZE_MAX, &size) ||
	    !plan_number(cli, "rate", 0, 1, RATE_MAX, &plan->rate) ||
	    !read_seconds(cli, "warm-up", 1, 0, &plan->warm_ns) ||
	    !read_seconds(cli, "seconds", 5, 0.1, &plan->run_ns))
		return (false);
	plan->connections = (size_t)connections;
	plan->in_flight = (size_t)in_flight;
	plan->size = (size_t)size;
	plan->durable = sn_cli_has(cli, "durable");
	return (true);
}

bool plan_read(const struct sn_cli *cli, struct plan *out)
{
	const char *people = sn_cli_value(cli, "people");

	*out = (struct plan){ .json = sn_cli_has(cli, "json"),
		.people = people != NULL ? people : "authority/people",
		.tokens = sn_cli_value(cli, "tokens"),
		.password_file = sn_cli_value(cli, "password-file") };
	return (read_server(cli, out) && read_protocol(cli, out) &&
		read_login(cli, out) && read_pids(cli, out) &&
		read_numbers(cli, out));
}
