#include "lib/conf_scan.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Past the text that begins with the quote at ${p}; NULL if it never ends. */
static const char *skip_text(const char *p)
{
	for (p++; *p != '\0' && *p != '"'; p++) {
		if (*p == '\\' && p[1] != '\0')
			p++;
	}
	return (*p == '"' ? p + 1 : NULL);
}

/* Past the text or comment that begins at ${p}; ${p} itself if none does. */
static const char *skip(const char *p)
{
	const char *end = NULL;

	if (*p == '"') {
		end = skip_text(p);
		return (end != NULL ? end : p + strlen(p));
	}
	if (*p == '#' || (p[0] == '/' && p[1] == '/'))
		return (p + strcspn(p, "\n"));
	if (p[0] == '/' && p[1] == '*') {
		end = strstr(p + 2, "*/");
		return (end != NULL ? end + 2 : p + strlen(p));
	}
	return (p);
}

static int too_large(const char *p, const char **end)
{
	unsigned long long v;
	char *stop;

	errno = 0;
	v = strtoull(p, &stop, 0);
	*end = stop;
	/* With L it is read whole; with a point it is no integer. */
	if (*stop == 'L' || *stop == '.' || *stop == 'e' || *stop == 'E')
		return (0);
	return (errno == ERANGE || v > INT32_MAX);
}

/* The first integer outside texts and comments that libconfig would cut to
 * 32 bits without a word (4294967298 is read as 2): its line, and where it
 * stands. */
static const char *large_integer(const char *text, unsigned *line)
{
	const char *p = text, *next, *end;

	*line = 1;
	while (*p != '\0') {
		if ((next = skip(p)) != p) {
			for (; p < next; p++)
				*line += *p == '\n';
			continue;
		}
		if (isalpha((unsigned char)*p) || *p == '_') {
			/* A name, with what digits it has. */
			while (isalnum((unsigned char)*p) || *p == '_' ||
			       *p == '-' || *p == '*')
				p++;
			continue;
		}
		if (isdigit((unsigned char)*p)) {
			if (too_large(p, &end))
				return (p);
			p = end;
			continue;
		}
		*line += *p == '\n';
		p++;
	}
	return (NULL);
}

/* The line in which a text begins that never ends; 0 when all do. */
static unsigned open_quote(const char *text)
{
	const char *p = text, *next;
	unsigned line = 1;

	while (*p != '\0') {
		if (*p == '"' && skip_text(p) == NULL)
			return (line);
		if ((next = skip(p)) == p)
			next = p + 1;
		for (; p < next; p++)
			line += *p == '\n';
	}
	return (0);
}

/* The name in front of the value at ${p}: "loops" of "loops = 5". */
static const char *name_before(const char *text, const char *p, int *n)
{
	const char *end, *from;

	while (p > text && strchr(" \t=:", p[-1]) != NULL)
		p--;
	for (end = from = p; from > text && (isalnum((unsigned char)from[-1]) ||
						from[-1] == '_');)
		from--;
	*n = (int)(end - from);
	return (from);
}

static void check_integers(
    const char *text, const char *file, struct sn_conf_report *report)
{
	unsigned line;
	const char *name, *p = large_integer(text, &line);
	int digits, n;

	if (p == NULL)
		return;
	digits = (int)strspn(p, "0123456789abcdefxABCDEFX");
	name = name_before(text, p, &n);
	sn_conf_report_add(report, file, line,
	    "%.*s is %.*s, too large to be written without quotes; write "
	    "\"%.*s\"",
	    n, name, digits, p, digits, p);
}

/* libconfig would name the last line. */
static bool has_open_quote(
    const char *text, const char *file, struct sn_conf_report *report)
{
	unsigned line = open_quote(text);

	if (line > 0)
		sn_conf_report_add(report, file, line,
		    "the text that begins here has no closing quote");
	return (line > 0);
}

/* One file is what is checked, and what is handed to processes that open
 * no other. */
static bool has_include(
    const char *text, const char *file, struct sn_conf_report *report)
{
	unsigned line = 1, before = report->errors;

	while (*text != '\0') {
		text += strspn(text, " \t\r");
		if (strncmp(text, "@include", 8) == 0)
			sn_conf_report_add(report, file, line,
			    "@include is not taken; write all of it into "
			    "one file");
		text += strcspn(text, "\n");
		text += *text == '\n';
		line++;
	}
	return (report->errors > before);
}

enum sn_err sn_conf_scan(
    const char *text, const char *file, struct sn_conf_report *report)
{
	check_integers(text, file, report);
	if (has_include(text, file, report) ||
	    has_open_quote(text, file, report))
		return (SN_ECONF);
	return (SN_OK);
}
