#ifndef SN_LIB_CLI_H
#define SN_LIB_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"

/*
 * Command lines from tables: `prog [OPTIONS] COMMAND ARGUMENTS`.
 *
 * A command's name is one word ("issue") or two ("account add").  Options
 * may stand before or after it, long or short, and end at "--".  --help (-h)
 * works everywhere and is written from the tables; --version where the
 * program names one.  A mistake is answered on standard error with one
 * sentence that names the nearest command and where help is.  A full disk
 * behind standard output does not look like success.  Nothing in here exits.
 */
struct sn_cli;

/* A table of these ends with a row whose ${name} is NULL. */
struct sn_cli_option {
	const char *name;    /* Without the dashes: "device". */
	char letter;         /* Short form, or 0. */
	const char *metavar; /* "LABEL"; NULL for a switch. */
	const char *help;
};

/* A table of these ends with a row whose ${name} is NULL.  A program
 * without commands has one row, whose name is "". */
struct sn_cli_command {
	const char *name;
	const char *synopsis; /* Its positional arguments: "ACCOUNT [TEXT]". */
	const char *help;     /* One line. */
	const struct sn_cli_option *options; /* Its own; NULL for none. */
	const char *example; /* Worked example, lines ending in \n; or NULL. */
	unsigned min, max;   /* How many positional arguments it takes. */
	int (*run)(struct sn_cli *cli); /* Returns the exit status. */
};

/* The last row of a table of options. */
#define SN_CLI_END                  \
	{                           \
		NULL, 0, NULL, NULL \
	}

struct sn_cli_program {
	const char *name;
	const char *summary;  /* One line. */
	const char *version;  /* For --version; NULL for none. */
	const char *epilogue; /* Text under the list of commands, or NULL. */
	const struct sn_cli_option *options; /* Taken by every command. */
	const struct sn_cli_command *commands;
	int usage_exit;  /* Exit status of a wrong command line. */
	int output_exit; /* ... when standard output did not take it all. */
};

/**
 * sn_cli_run(program, argc, argv, context):
 * Parse the command line and run its command; returns what that returned, 0
 * after help, or program->usage_exit; where that would be 0 and not all of the
 * output could be written, program->output_exit.  Permutes ${argv}.
 */
int sn_cli_run(
    const struct sn_cli_program *program, int argc, char **argv, void *context);

/** What sn_cli_run was given. */
void *sn_cli_context(const struct sn_cli *cli);

/** sn_cli_has(cli, option): whether it was given. */
bool sn_cli_has(const struct sn_cli *cli, const char *option);

/** sn_cli_value(cli, option): its last value, or NULL when not given. */
const char *sn_cli_value(const struct sn_cli *cli, const char *option);

/** sn_cli_nth(cli, option, n): its n-th value from 0, or NULL. */
const char *sn_cli_nth(const struct sn_cli *cli, const char *option, size_t n);

/** sn_cli_arg(cli, n): the n-th positional argument from 0, or NULL. */
const char *sn_cli_arg(const struct sn_cli *cli, size_t n);

/** sn_cli_args(cli): how many positional arguments there are. */
size_t sn_cli_args(const struct sn_cli *cli);

/**
 * sn_cli_usage(cli, format, ...):
 * Complain about the arguments in one sentence, point to the command's help
 * and return the usage status: `return (sn_cli_usage(cli, "..."));`
 */
int sn_cli_usage(const struct sn_cli *cli, const char *format, ...)
    SN_PRINTF(2, 3);

#endif
