#include "bench/people.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/file.h"

#define TOKENS_MAX (64 * 1024 * 1024)

static int by_name(const void *a, const void *b)
{
	const struct person *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return (order != 0 ? order : strcmp(x->device, y->device));
}

/* One line "name device hex", its newline gone. */
static bool load_line(struct people *people, char *line)
{
	char *save = NULL, *name = strtok_r(line, " ", &save);
	char *device = strtok_r(NULL, " ", &save);
	char *hex = strtok_r(NULL, " ", &save);
	struct person key = { 0 }, *person;
	size_t n = hex != NULL ? strlen(hex) / 2 : 0;

	if (hex == NULL || n == 0 || n > PEOPLE_TOKEN_MAX)
		return (false);
	(void)snprintf(key.name, sizeof(key.name), "%s", name);
	(void)snprintf(key.device, sizeof(key.device), "%s", device);
	if (!sn_bytes_unhex(hex, key.token, n))
		return (false);
	person =
	    bsearch(&key, people->all, people->count, sizeof(key), by_name);
	if (person != NULL) {
		memcpy(person->token, key.token, n);
		person->token_size = n;
	}
	return (true);
}

enum sn_err people_load_tokens(
    struct people *people, const char *path, struct sn_why *why)
{
	struct sn_secret text;
	unsigned number = 0;
	enum sn_err err;
	char *line, *rest;

	if (access(path, F_OK) != 0)
		return (SN_OK);
	if ((err = sn_file_read_secret(path, TOKENS_MAX, &text, why)) != SN_OK)
		return (err);
	rest = text.data;
	while (err == SN_OK && (line = strsep(&rest, "\n")) != NULL) {
		number++;
		if (*line != '\0' && !load_line(people, line))
			err = sn_why(why, SN_EINVAL,
			    "%s, line %u: it is no \"name device token\"; "
			    "`sicher-bench enrol` writes this file",
			    path, number);
	}
	sn_secret_free(&text);
	return (err);
}

static enum sn_err put_line(struct sn_buf *b, const struct person *p)
{
	char line[2 * SN_NAME_MAX + 2 * PEOPLE_TOKEN_MAX + 8];
	char hex[2 * PEOPLE_TOKEN_MAX + 1];
	int n;

	if (p->token_size == 0)
		return (SN_OK);
	n = snprintf(line, sizeof(line), "%s %s %s\n", p->name, p->device,
	    sn_bytes_hex(p->token, p->token_size, hex));
	return (sn_buf_append(b, line, (size_t)n));
}

enum sn_err people_save_tokens(
    const struct people *people, const char *path, struct sn_why *why)
{
	enum sn_err err = SN_OK;
	struct sn_buf b;

	sn_buf_init(&b, TOKENS_MAX);
	for (size_t i = 0; i < people->count && err == SN_OK; i++)
		err = put_line(&b, &people->all[i]);
	if (err != SN_OK)
		err = sn_why(why, err, "out of memory");
	else
		err = sn_file_write(
		    path, 0600, b.len > 0 ? sn_buf_head(&b) : NULL, b.len, why);
	if (b.data != NULL)
		sn_secret_wipe(b.data, b.cap);
	sn_buf_free(&b);
	return (err);
}
