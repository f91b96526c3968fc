#ifndef SERVER_CTL_SHOW_H
#define SERVER_CTL_SHOW_H

#include <stddef.h>
#include <stdio.h>

#include <jansson.h>

/** show_text(to, text): write it so that it cannot steer a terminal: control
 * characters appear as \xHH, newlines as themselves. */
void show_text(FILE *to, const char *text);

/** show_line(label, reply, name): "label      value"; nothing when the
 * answer has no such text. */
void show_line(const char *label, const json_t *reply, const char *name);

/* A column: its title and the member it shows.  A table of these ends with
 * a row whose ${title} is NULL. */
struct show_column {
	const char *title;
	const char *name;
};

/** show_table(columns, rows): a line a row, under a line of titles, as wide
 * as needed. */
void show_table(const struct show_column *columns, const json_t *rows);

/** show_size(bytes, out, size): "17 MiB"; returns ${out}. */
const char *show_size(long long bytes, char *out, size_t size);

/** show_span(seconds, out, size): "2 d 3 h"; returns ${out}. */
const char *show_span(long long seconds, char *out, size_t size);

#endif
