#ifndef SN_LIB_CONF_REPORT_H
#define SN_LIB_CONF_REPORT_H

#include "lib/err.h"

/* All that is wrong, a sentence a line, each with file, line and key. */
struct sn_conf_report {
	unsigned errors;
	char text[8192];
};

/** sn_conf_report_clear(report): nothing is wrong. */
void sn_conf_report_clear(struct sn_conf_report *report);

/**
 * sn_conf_report_add(report, file, line, format, ...):
 * One thing more is wrong, in the ${line} (0: none) of ${file}.  It is counted
 * even where there is no room left for its sentence.
 */
void sn_conf_report_add(struct sn_conf_report *report, const char *file,
    unsigned line, const char *format, ...) SN_PRINTF(4, 5);

#endif
