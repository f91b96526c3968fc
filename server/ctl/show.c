#include "server/ctl/show.h"

#include <stdlib.h>

#include "lib/ctl.h"

#define COLUMNS_MAX 12
#define CELL 80

/* How many bytes at ${p} could steer a terminal: C0 and DEL are one byte, C1
 * is two in UTF-8. */
static size_t control_bytes(const unsigned char *p)
{
	if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
		return (2);
	return ((p[0] < 0x20 && p[0] != '\n') || p[0] == 0x7f ? 1 : 0);
}

void show_text(FILE *to, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	while (*p != '\0') {
		size_t n = control_bytes(p);

		if (n == 0)
			(void)fputc(*p++, to);
		for (; n > 0; n--)
			(void)fprintf(to, "\\x%02x", *p++);
	}
}

void show_line(const char *label, const json_t *reply, const char *name)
{
	const char *text = sn_ctl_text(reply, name);

	if (text[0] == '\0')
		return;
	(void)printf("%-12s ", label);
	show_text(stdout, text);
	(void)putchar('\n');
}

static void cell(const json_t *row, const char *name, char *out)
{
	const json_t *value = json_object_get(row, name);
	char *text = NULL;
	size_t n = 0;
	FILE *to;

	out[0] = '\0';
	if (json_is_integer(value)) {
		(void)snprintf(out, CELL, "%" JSON_INTEGER_FORMAT,
		    json_integer_value(value));
	} else if (json_is_boolean(value)) {
		(void)snprintf(
		    out, CELL, "%s", json_is_true(value) ? "yes" : "no");
	} else if (json_is_string(value) &&
		   (to = open_memstream(&text, &n)) != NULL) {
		show_text(to, json_string_value(value));
		if (fclose(to) == 0)
			(void)snprintf(out, CELL, "%s", text);
		free(text);
	}
	if (out[0] == '\0')
		(void)snprintf(out, CELL, "-");
}

/* Cut UTF-8 is still as wide as its lead bytes. */
static int width(const char *text)
{
	int n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return (n);
}

static void put_cell(const char *text, int wide, int last)
{
	(void)printf("%s%*s", text, last ? 0 : wide - width(text) + 2, "");
	if (last)
		(void)putchar('\n');
}

void show_table(const struct show_column *columns, const json_t *rows)
{
	int wide[COLUMNS_MAX] = { 0 }, count = 0;
	char text[CELL];
	size_t i;
	json_t *row;

	for (; count < COLUMNS_MAX && columns[count].title != NULL; count++)
		wide[count] = width(columns[count].title);
	json_array_foreach(rows, i, row)
	{
		for (int c = 0; c < count; c++) {
			cell(row, columns[c].name, text);
			if (width(text) > wide[c])
				wide[c] = width(text);
		}
	}
	for (int c = 0; c < count; c++)
		put_cell(columns[c].title, wide[c], c == count - 1);
	json_array_foreach(rows, i, row)
	{
		for (int c = 0; c < count; c++) {
			cell(row, columns[c].name, text);
			put_cell(text, wide[c], c == count - 1);
		}
	}
}

const char *show_size(long long bytes, char *out, size_t size)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	size_t unit = 0;

	for (; bytes >= 10240 && unit < 4; unit++)
		bytes /= 1024;
	(void)snprintf(out, size, "%lld %s", bytes, units[unit]);
	return (out);
}

const char *show_span(long long s, char *out, size_t size)
{
	if (s >= 86400)
		(void)snprintf(
		    out, size, "%lld d %lld h", s / 86400, s % 86400 / 3600);
	else if (s >= 3600)
		(void)snprintf(
		    out, size, "%lld h %lld min", s / 3600, s % 3600 / 60);
	else if (s >= 60)
		(void)snprintf(out, size, "%lld min %lld s", s / 60, s % 60);
	else
		(void)snprintf(out, size, "%lld s", s);
	return (out);
}
