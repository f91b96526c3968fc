#ifndef BENCH_ENROL_H
#define BENCH_ENROL_H

#include "lib/cli.h"

/**
 * enrol_run(cli):
 * The command `enrol`: make the accounts that are not there, where a control
 * socket is given, log everybody in by the password, and write the tokens.
 * Returns the exit status.
 */
int enrol_run(struct sn_cli *cli);

#endif
