#ifndef SN_LIB_CONF_SCAN_H
#define SN_LIB_CONF_SCAN_H

#include "lib/conf_report.h"

/**
 * sn_conf_scan(text, file, report):
 * Report what libconfig would get wrong in ${text}: an integer that it cuts to
 * 32 bits without a word, a quote that is never closed (it names the last
 * line), and @include, by which it reads other files.  SN_ECONF when what it
 * would say of the rest is not worth hearing.
 */
enum sn_err sn_conf_scan(const char *text, const char *file,
    struct sn_conf_report *report) SN_MUST_USE;

#endif
