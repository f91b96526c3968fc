#ifndef SN_LIB_CLI_HELP_H
#define SN_LIB_CLI_HELP_H

#include <stdio.h>

#include "lib/cli.h"

/* Help texts written from the tables of lib/cli.h; used by lib/cli.c only. */

/** The program's page: what it is, its commands, the options of all. */
void sn_cli_help_program(const struct sn_cli_program *p, FILE *to);

/** One command's page: usage, its options, its worked example. */
void sn_cli_help_command(
    const struct sn_cli_program *p, const struct sn_cli_command *c, FILE *to);

/** The commands whose first word is ${word}, a line each. */
void sn_cli_help_group(
    const struct sn_cli_program *p, const char *word, FILE *to);

/** Whether ${word} is the first word of a command of two. */
bool sn_cli_help_is_group(const struct sn_cli_program *p, const char *word);

/** The command whose name is nearest to ${words}; NULL when none is near. */
const struct sn_cli_command *sn_cli_help_nearest(
    const struct sn_cli_program *p, const char *words);

/** A command's positional arguments; "" for none. */
const char *sn_cli_help_synopsis(const struct sn_cli_command *c);

#endif
