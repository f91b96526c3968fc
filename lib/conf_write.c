#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/conf.h"

/* Texts between quotes, as libconfig reads them back. */
static void put_quoted(FILE *to, const char *text, size_t n)
{
	(void)fputc('"', to);
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '"' || text[i] == '\\')
			(void)fputc('\\', to);
		(void)fputc(text[i], to);
	}
	(void)fputc('"', to);
}

static void put_list(FILE *to, const char *text)
{
	(void)fputs("[ ", to);
	while (*text != '\0') {
		size_t n = strcspn(text, ",");

		put_quoted(to, text, n);
		text += n;
		if (*text == ',') {
			(void)fputs(", ", to);
			text++;
		}
	}
	(void)fputs(" ]", to);
}

/* A default, in the form of its type. */
static void put_fallback(FILE *to, const struct sn_conf_key *key)
{
	const char *text = key->fallback != NULL ? key->fallback : "";

	if (key->type == SN_CONF_LIST)
		put_list(to, text);
	else if (key->type == SN_CONF_INT || key->type == SN_CONF_BOOL)
		(void)fputs(text, to);
	else
		put_quoted(to, text, strlen(text));
}

static void put_value(FILE *to, const struct sn_conf_key *key, const void *in)
{
	const void *at = (const char *)in + key->offset;
	const struct sn_conf_list *list = at;
	const char *text, *word;

	switch (key->type) {
	case SN_CONF_BOOL:
		(void)fputs(*(const bool *)at ? "true" : "false", to);
		break;
	case SN_CONF_INT:
		/* In quotes: libconfig cannot read large ones without. */
		(void)fprintf(to, "\"%" PRIu64 "\"", *(const uint64_t *)at);
		break;
	case SN_CONF_SIZE:
		(void)fprintf(to, "\"%" PRIu64 "B\"", *(const uint64_t *)at);
		break;
	case SN_CONF_DURATION:
		(void)fprintf(to, "\"%" PRIu64 "ms\"", *(const uint64_t *)at);
		break;
	case SN_CONF_STRING:
	case SN_CONF_PATH:
		text = *(char *const *)at;
		put_quoted(to, text, strlen(text));
		break;
	case SN_CONF_WORD:
		word = key->words;
		for (int i = *(const int *)at; i > 0; i--)
			word = strchr(word, '|') + 1;
		put_quoted(to, word, strcspn(word, "|"));
		break;
	case SN_CONF_LIST:
		(void)fputs("[ ", to);
		for (size_t i = 0; i < list->count; i++) {
			if (i > 0)
				(void)fputs(", ", to);
			put_quoted(to, list->items[i], strlen(list->items[i]));
		}
		(void)fputs(" ]", to);
		break;
	}
}

/* Begin and end groups as the names ask; rows of a group stand together. */
static const char *enter(FILE *to, const char *name, char *group, size_t size)
{
	const char *dot = strchr(name, '.');
	size_t n = dot != NULL ? (size_t)(dot - name) : 0;

	if (strlen(group) != n || memcmp(group, name, n) != 0) {
		if (group[0] != '\0')
			(void)fputs("};\n\n", to);
		(void)snprintf(group, size, "%.*s", (int)n, name);
		if (n > 0)
			(void)fprintf(to, "%s: {\n", group);
	}
	return (dot != NULL ? dot + 1 : name);
}

static void put_sample(
    FILE *to, const struct sn_conf_key *key, const char *name, const char *tabs)
{
	(void)fprintf(to, "%s# ", tabs);
	/* A help of two lines brings its own "# ". */
	for (const char *p = key->help; *p != '\0'; p++) {
		(void)fputc(*p, to);
		if (*p == '\n')
			(void)fputs(tabs, to);
	}
	if (key->words != NULL)
		(void)fprintf(to, " (%s)", key->words);
	(void)fprintf(
	    to, "\n%s%s%s = ", tabs, key->fallback != NULL ? "#" : "", name);
	put_fallback(to, key);
	(void)fputs(";\n", to);
}

void sn_conf_sample_group(
    const struct sn_conf_key *keys, size_t count, FILE *to)
{
	for (size_t i = 0; i < count; i++)
		put_sample(to, &keys[i], keys[i].name, "\t\t");
}

void sn_conf_sample(const struct sn_conf_key *keys, size_t count, FILE *to)
{
	char group[128] = "";

	for (size_t i = 0; i < count; i++) {
		const struct sn_conf_key *key = &keys[i];
		const char *last = enter(to, key->name, group, sizeof(group));

		put_sample(to, key, last, group[0] != '\0' ? "\t" : "");
	}
	if (group[0] != '\0')
		(void)fputs("};\n", to);
}

void sn_conf_dump(
    const struct sn_conf_key *keys, size_t count, const void *in, FILE *to)
{
	char group[128] = "";

	for (size_t i = 0; i < count; i++) {
		const char *last =
		    enter(to, keys[i].name, group, sizeof(group));

		(void)fprintf(
		    to, "%s%s = ", group[0] != '\0' ? "\t" : "", last);
		put_value(to, &keys[i], in);
		(void)fputs(";\n", to);
	}
	if (group[0] != '\0')
		(void)fputs("};\n", to);
}
