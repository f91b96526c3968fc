#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "bench/crew.h"
#include "bench/report.h"
#include "lib/cli.h"

/*
 * The workloads.  Each raises its crew, measures, and tells the report what
 * it found; what went wrong is in the crew.
 */
struct load {
	const char *name;
	enum sn_err (*run)(struct crew *crew, struct report *report);
};

enum sn_err load_connect(struct crew *crew, struct report *report) SN_MUST_USE;
enum sn_err load_direct(struct crew *crew, struct report *report) SN_MUST_USE;
enum sn_err load_fanout(struct crew *crew, struct report *report) SN_MUST_USE;
enum sn_err load_durable(struct crew *crew, struct report *report) SN_MUST_USE;
enum sn_err load_idle(struct crew *crew, struct report *report) SN_MUST_USE;
enum sn_err load_storm(struct crew *crew, struct report *report) SN_MUST_USE;

/** load_run(cli, load): a command of the program; its exit status. */
int load_run(struct sn_cli *cli, const struct load *load);

/* At how many a time crews log in where that is not what is measured. */
#define LOAD_AT_ONCE 32

#endif
