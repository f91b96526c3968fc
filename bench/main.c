#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "bench/enrol.h"
#include "bench/load.h"
#include "bench/plan.h"
#include "lib/secret.h"
#include "lib/version.h"

#define LOGIN                                               \
	{                                                   \
		"login", 0, "HOW",                          \
		    "password or token (token where there " \
		    "is one)"                               \
	}
#define CONNECTIONS(text)                     \
	{                                     \
		"connections", 'c', "N", text \
	}
#define FLIGHT(text)                        \
	{                                   \
		"in-flight", 'f', "N", text \
	}
#define SIZE                                                      \
	{                                                         \
		"size", 'b', "BYTES", "of a message's body (100)" \
	}
#define DURABLE                                   \
	{                                         \
		"durable", 'd', NULL,             \
		    "messages that are kept and " \
		    "acknowledged"                \
	}
#define TIMES                                                           \
	{ "warm-up", 0, "SECONDS", "before anything is measured (1)" }, \
	{                                                               \
		"seconds", 's', "SECONDS", "how long is measured (5)"   \
	}

/* clang-format off */
static const struct sn_cli_option enrol_options[] = {
	{ "control", 0, "SOCKET", "sicherd's control socket: make the "
	    "accounts that are not there" },
	CONNECTIONS("only the first N people (all)"),
	SN_CLI_END
};
static const struct sn_cli_option connect_options[] = {
	LOGIN, CONNECTIONS("spread over N connections' certificates (100)"),
	FLIGHT("how many at a time (1)"), TIMES, SN_CLI_END
};
static const struct sn_cli_option direct_options[] = {
	CONNECTIONS("half send, half receive (100)"),
	FLIGHT("of each sender (1)"), SIZE, DURABLE,
	{ "rate", 'r', "N", "messages a second of all; latency counts from "
	    "when each was due" }, TIMES, SN_CLI_END
};
static const struct sn_cli_option fanout_options[] = {
	CONNECTIONS("members (100)"), FLIGHT("messages that not all have (1)"),
	SIZE, DURABLE, TIMES, SN_CLI_END
};
static const struct sn_cli_option durable_options[] = {
	CONNECTIONS("senders (100)"), FLIGHT("of each sender (1)"), SIZE,
	TIMES, SN_CLI_END
};
static const struct sn_cli_option idle_options[] = {
	CONNECTIONS("how many (100)"), SN_CLI_END
};

#define COMMAND(name)                                             \
	static int run_##name(struct sn_cli *cli)                       \
	{                                                         \
		static const struct load load = { #name, load_##name }; \
		return (load_run(cli, &load));                    \
	}
COMMAND(connect)
COMMAND(direct)
COMMAND(fanout)
COMMAND(durable)
COMMAND(idle)
COMMAND(storm)

static const struct sn_cli_command commands[] = {
	{ "enrol", NULL, "log everybody in once and keep their tokens",
	    enrol_options,
	    "  sicher-bench enrol --people authority/people \\\n"
	    "      --password-file password --tokens tokens \\\n"
	    "      --control /run/sichernetz/control\n", 0, 0, enrol_run },
	{ "connect", NULL, "handshakes and logins", connect_options,
	    "  sicher-bench connect --tokens tokens --in-flight 16 \\\n"
	    "      --pid $(pgrep -o sicherd)\n", 0, 0, run_connect },
	{ "direct", NULL, "messages between pairs", direct_options,
	    "  sicher-bench direct --tokens tokens --durable --in-flight 10\n"
	    "  sicher-bench direct --tokens tokens --durable --rate 2000\n",
	    0, 0, run_direct },
	{ "fanout", NULL, "messages to a room", fanout_options,
	    "  sicher-bench fanout --tokens tokens --durable \\\n"
	    "      --connections 1000 --in-flight 20\n", 0, 0, run_fanout },
	{ "durable", NULL, "messages to those who are away", durable_options,
	    "  sicher-bench durable --tokens tokens --size 200 \\\n"
	    "      --connections 1 --in-flight 64\n", 0, 0, run_durable },
	{ "idle", NULL, "what a quiet connection holds in memory",
	    idle_options,
	    "  sicher-bench idle --tokens tokens --connections 10000 \\\n"
	    "      --pid $(pgrep -o sicherd)\n", 0, 0, run_idle },
	{ "storm", NULL, "all connections lost, and back at once",
	    idle_options,
	    "  sicher-bench storm --tokens tokens --connections 10000\n", 0,
	    0, run_storm },
	{ NULL, NULL, NULL, NULL, NULL, 0, 0, NULL },
};
/* clang-format on */

static const struct sn_cli_program program = {
	.name = "sicher-bench",
	.summary = "a load for SicherNetz, and for servers like it",
	.version = SN_VERSION,
	.epilogue =
	    "It is many people at once, whose certificates it has; enrol comes "
	    "first.\nexit status: 0 ok, 64 usage, 70 it could not be "
	    "measured\n",
	.options = plan_options,
	.commands = commands,
	.usage_exit = EX_USAGE,
	.output_exit = EX_IOERR,
};

/* A connection is a descriptor. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
	(void)umask(077);
	(void)signal(SIGPIPE, SIG_IGN);
	if (sn_secret_process() != SN_OK)
		return (EX_OSERR);
	raise_limit();
	return (sn_cli_run(&program, argc, argv, NULL));
}
