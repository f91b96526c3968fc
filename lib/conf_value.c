#include "lib/conf_value.h"

#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/conf_unit.h"

static void *place(const struct sn_conf_key *key, void *out)
{
	return ((char *)out + key->offset);
}

static void no_memory(struct sn_conf_value *v)
{
	sn_conf_report_add(v->report, v->file, v->line, "no memory");
}

const char *sn_conf_value_form(enum sn_conf_type type)
{
	switch (type) {
	case SN_CONF_BOOL:
		return ("true or false");
	case SN_CONF_INT:
		return ("a whole number");
	case SN_CONF_SIZE:
		return ("a size such as \"64MiB\"");
	case SN_CONF_DURATION:
		return ("a time such as \"48h\", \"5m\" or \"200ms\"");
	case SN_CONF_STRING:
		return ("a text in quotes");
	case SN_CONF_PATH:
		return ("a path in quotes");
	case SN_CONF_WORD:
		return ("one of the words");
	case SN_CONF_LIST:
		return ("a list such as [ \"a\", \"b\" ]");
	}
	return ("?");
}

void sn_conf_value_refuse(struct sn_conf_value *v)
{
	const char *words = v->key->words;

	sn_conf_report_add(v->report, v->file, v->line, "%s needs %s%s%s",
	    v->key->name, sn_conf_value_form(v->key->type),
	    words != NULL ? " " : "", words != NULL ? words : "");
}

void sn_conf_value_bool(struct sn_conf_value *v, bool is)
{
	*(bool *)place(v->key, v->out) = is;
}

void sn_conf_value_number(struct sn_conf_value *v, uint64_t n)
{
	const struct sn_conf_key *key = v->key;
	char low[32], high[32], is[32];

	if (n < key->min || n > key->max) {
		sn_conf_report_add(v->report, v->file, v->line,
		    "%s is %s, and must be from %s to %s", key->name,
		    sn_conf_unit_show(n, key->type, is, sizeof(is)),
		    sn_conf_unit_show(key->min, key->type, low, sizeof(low)),
		    sn_conf_unit_show(key->max, key->type, high, sizeof(high)));
		return;
	}
	*(uint64_t *)place(key, v->out) = n;
}

/* A relative path means the folder of the file it stands in. */
static char *absolute(const char *file, const char *path)
{
	char copy[PATH_MAX], out[2 * PATH_MAX];

	if (path[0] == '/' || path[0] == '\0')
		return (strdup(path));
	if (snprintf(copy, sizeof(copy), "%s", file) >= (int)sizeof(copy))
		return (NULL);
	(void)snprintf(out, sizeof(out), "%s/%s", dirname(copy), path);
	return (strdup(out));
}

static void put_string(struct sn_conf_value *v, const char *text)
{
	const struct sn_conf_key *key = v->key;
	char **to = place(key, v->out);
	size_t n = strlen(text);

	if (n == 0 && key->min > 0) {
		sn_conf_report_add(v->report, v->file, v->line,
		    "%s is empty, and must be set", key->name);
		return;
	}
	if (n < key->min || n > key->max) {
		sn_conf_report_add(v->report, v->file, v->line,
		    "%s has %zu characters, and must have from %" PRIu64
		    " to %" PRIu64,
		    key->name, n, key->min, key->max);
		return;
	}
	*to =
	    key->type == SN_CONF_PATH ? absolute(v->file, text) : strdup(text);
	if (*to == NULL)
		no_memory(v);
}

static void put_word(struct sn_conf_value *v, const char *text)
{
	const char *p = v->key->words;
	size_t n = strlen(text);

	for (int i = 0; p != NULL; i++) {
		const char *bar = strchr(p, '|');
		size_t len = bar != NULL ? (size_t)(bar - p) : strlen(p);

		if (len == n && memcmp(p, text, n) == 0) {
			*(int *)place(v->key, v->out) = i;
			return;
		}
		p = bar != NULL ? bar + 1 : NULL;
	}
	sn_conf_report_add(v->report, v->file, v->line,
	    "%s is \"%.40s\", and must be one of %s", v->key->name, text,
	    v->key->words);
}

bool sn_conf_value_room(struct sn_conf_value *v, size_t n)
{
	const struct sn_conf_key *key = v->key;

	if (n >= key->min && n <= key->max)
		return (true);
	sn_conf_report_add(v->report, v->file, v->line,
	    "%s has %zu entries, and must have from %" PRIu64 " to %" PRIu64,
	    key->name, n, key->min, key->max);
	return (false);
}

static bool append(struct sn_conf_list *list, const char *text, size_t n)
{
	char **items =
	    reallocarray(list->items, list->count + 1, sizeof(*items));

	if (items == NULL)
		return (false);
	list->items = items;
	if ((items[list->count] = strndup(text, n)) == NULL)
		return (false);
	list->count++;
	return (true);
}

void sn_conf_value_append(struct sn_conf_value *v, const char *text, size_t n)
{
	if (!append(place(v->key, v->out), text, n))
		no_memory(v);
}

static void put_items(struct sn_conf_value *v, const char *text)
{
	while (*text != '\0') {
		size_t n = strcspn(text, ",");

		sn_conf_value_append(v, text, n);
		text += n + (text[n] == ',');
	}
}

void sn_conf_value_text(struct sn_conf_value *v, const char *text)
{
	uint64_t n;

	switch (v->key->type) {
	case SN_CONF_BOOL:
		sn_conf_value_bool(v, strcmp(text, "true") == 0);
		break;
	case SN_CONF_INT:
	case SN_CONF_SIZE:
	case SN_CONF_DURATION:
		if (sn_conf_unit_parse(text, v->key->type, &n))
			sn_conf_value_number(v, n);
		else
			sn_conf_value_refuse(v);
		break;
	case SN_CONF_STRING:
	case SN_CONF_PATH:
		put_string(v, text);
		break;
	case SN_CONF_WORD:
		put_word(v, text);
		break;
	case SN_CONF_LIST:
		put_items(v, text);
		break;
	}
}

void sn_conf_value_free(const struct sn_conf_key *key, void *out)
{
	struct sn_conf_list *list = place(key, out);
	char **text = place(key, out);

	switch (key->type) {
	case SN_CONF_STRING:
	case SN_CONF_PATH:
		free(*text);
		*text = NULL;
		break;
	case SN_CONF_LIST:
		for (size_t i = 0; i < list->count; i++)
			free(list->items[i]);
		free(list->items);
		*list = (struct sn_conf_list){ NULL, 0 };
		break;
	default:
		break;
	}
}
