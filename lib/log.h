#ifndef SN_LIB_LOG_H
#define SN_LIB_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

/*
 * Log lines: a stable event word, then key=value pairs.
 *
 *	2026-11-24T09:30:00Z info net session.ready sess=12 account="alice"
 *
 * Text that came from a peer goes through sn_log_quote, so that one peer
 * cannot write another line.  Passwords and bodies are never logged.
 */
enum sn_level { SN_DEBUG, SN_INFO, SN_NOTICE, SN_WARN, SN_ALARM };

/**
 * sn_log_setup(process, level):
 * Name the process in the lines that follow ("parent", "keeper", "net") and
 * drop those below ${level}.  Lines go to standard error, each by one
 * write(2).  Call before threads start.
 */
void sn_log_setup(const char *process, enum sn_level level);

/** sn_log(level, event, format, ...): write one line; keeps errno. */
void sn_log(enum sn_level level, const char *event, const char *format, ...)
    SN_PRINTF(3, 4);

/**
 * sn_log_quote(out, size, text, len):
 * Write ${len} bytes of ${text} into ${out} between double quotes, all but
 * printable ASCII as \xHH, cut to fit; returns ${out}.
 */
const char *sn_log_quote(char *out, size_t size, const void *text, size_t len);

/*
 * A limit for lines a peer can cause: at most ${burst} in each ${period};
 * the rest are counted, and the count is told with the next line let
 * through.  Zero-initialise all but the first two; one thread a limit.
 */
struct sn_log_limit {
	unsigned burst;
	uint64_t period_ns;
	uint64_t start;
	unsigned used;
	unsigned dropped;
};

/**
 * sn_log_allow(limit, dropped):
 * Whether a line may be written now; if so *${dropped} is how many were
 * withheld since the last one.
 */
int sn_log_allow(struct sn_log_limit *limit, unsigned *dropped);

#endif
