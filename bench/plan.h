#ifndef BENCH_PLAN_H
#define BENCH_PLAN_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/conn.h"
#include "bench/meter.h"
#include "lib/cli.h"

/* Bodies: a head that the workloads need, and what servers take. */
#define PLAN_SIZE_MIN 24
#define PLAN_SIZE_MAX 61440

/* What the command line asks for. */
struct plan {
	const struct protocol *protocol;
	struct sockaddr_in server;
	char server_name[256];
	const char *people;
	const char *tokens;        /* NULL: none. */
	const char *password_file; /* NULL: none. */
	enum conn_login login;
	struct meter meter;
	bool json;

	size_t connections; /* In all. */
	size_t in_flight;   /* Of each sender. */
	size_t size;        /* Of a body. */
	uint64_t rate; /* Messages a second of all; 0: as fast as it goes. */
	uint64_t warm_ns, run_ns;
	bool durable;
};

/** The options of all workloads, for the tables of main.c. */
extern const struct sn_cli_option plan_options[];

/**
 * plan_read(cli, out):
 * Whether the options are good; when not, what is wrong has been said.
 */
bool plan_read(const struct sn_cli *cli, struct plan *out) SN_MUST_USE;

/**
 * plan_number(cli, option, usual, least, most, out):
 * An option's number, or ${usual} without it; false when it is none or out
 * of range, which has been said.
 */
bool plan_number(const struct sn_cli *cli, const char *option, uint64_t usual,
    uint64_t least, uint64_t most, uint64_t *out);

#endif
