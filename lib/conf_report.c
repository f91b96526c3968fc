#include "lib/conf_report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void sn_conf_report_clear(struct sn_conf_report *report)
{
	report->errors = 0;
	report->text[0] = '\0';
}

void sn_conf_report_add(struct sn_conf_report *report, const char *file,
    unsigned line, const char *format, ...)
{
	size_t n = strlen(report->text), space = sizeof(report->text) - n;
	va_list ap;

	report->errors++;
	if (line > 0)
		(void)snprintf(report->text + n, space, "%s:%u: ", file, line);
	else
		(void)snprintf(report->text + n, space, "%s: ", file);
	n += strlen(report->text + n);
	va_start(ap, format);
	(void)vsnprintf(report->text + n, sizeof(report->text) - n, format, ap);
	va_end(ap);
	n += strlen(report->text + n);
	if (n + 1 < sizeof(report->text)) {
		report->text[n] = '\n';
		report->text[n + 1] = '\0';
	}
}
