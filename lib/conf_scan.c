#include "lib/conf_scan.h"

#include <ctype.h>
#include <errno.h>
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

const char *sn_conf_scan_integer(const char *text, unsigned *line)
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

unsigned sn_conf_scan_quote(const char *text)
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
