#include "lib/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/clock.h"

#define LINE_MAX_BYTES 2048

static const char *const words[] = {
	[SN_DEBUG] = "debug",
	[SN_INFO] = "info",
	[SN_NOTICE] = "notice",
	[SN_WARN] = "warn",
	[SN_ALARM] = "alarm",
};

static char process_name[16] = "-";
static enum sn_level lowest = SN_INFO;

void sn_log_setup(const char *process, enum sn_level level)
{
	(void)snprintf(process_name, sizeof(process_name), "%s", process);
	lowest = level;
}

void sn_log(enum sn_level level, const char *event, const char *format, ...)
{
	char line[LINE_MAX_BYTES], when[SN_CLOCK_TEXT];
	int saved = errno;
	size_t n, space = sizeof(line) - 1;
	va_list ap;

	if (level < lowest)
		return;
	(void)snprintf(line, space, "%s %s %s %s ",
	    sn_clock_rfc3339(sn_clock_wall_s(), when), words[level],
	    process_name, event);
	n = strlen(line);
	va_start(ap, format);
	(void)vsnprintf(line + n, space - n, format, ap);
	va_end(ap);
	n = strlen(line);
	line[n++] = '\n';
	/* A log that cannot be written has nowhere to complain. */
	if (write(STDERR_FILENO, line, n) < 0)
		errno = saved;
	errno = saved;
}

const char *sn_log_quote(char *out, size_t size, const void *text, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *p = text;
	size_t n = 0;

	if (size < 3) {
		if (size > 0)
			out[0] = '\0';
		return (out);
	}
	out[n++] = '"';
	for (size_t i = 0; i < len; i++) {
		int plain =
		    p[i] >= 0x20 && p[i] < 0x7f && p[i] != '"' && p[i] != '\\';

		if (size - n < (plain ? 3U : 6U))
			break;
		if (plain) {
			out[n++] = (char)p[i];
			continue;
		}
		out[n++] = '\\';
		out[n++] = 'x';
		out[n++] = hex[p[i] >> 4];
		out[n++] = hex[p[i] & 15];
	}
	out[n++] = '"';
	out[n] = '\0';
	return (out);
}

int sn_log_allow(struct sn_log_limit *limit, unsigned *dropped)
{
	uint64_t now = sn_clock_mono();

	if (limit->start == 0 || now - limit->start >= limit->period_ns) {
		limit->start = now;
		limit->used = 0;
	}
	if (limit->used >= limit->burst) {
		limit->dropped++;
		return (0);
	}
	limit->used++;
	*dropped = limit->dropped;
	limit->dropped = 0;
	return (1);
}
