#include "lib/conf_tree.h"

#include <stdlib.h>
#include <string.h>

#include <libconfig.h>

#include "lib/conf_value.h"
#include "lib/nearest.h"

#define NAME_MAX_BYTES 256
#define KEYS_MAX 256

/* On the way through what one struct is filled in from. */
struct walk {
	const struct sn_conf_tree *tree;
	bool seen[KEYS_MAX];
};

static unsigned line_of(const config_setting_t *s)
{
	return (config_setting_source_line(s));
}

static void set_list(struct sn_conf_value *v, const config_setting_t *s)
{
	int n = config_setting_length(s);

	if (config_setting_type(s) != CONFIG_TYPE_ARRAY &&
	    config_setting_type(s) != CONFIG_TYPE_LIST) {
		sn_conf_value_refuse(v);
		return;
	}
	if (!sn_conf_value_room(v, (size_t)n))
		return;
	for (int i = 0; i < n; i++) {
		const char *text = config_setting_get_string_elem(s, i);

		if (text == NULL) {
			sn_conf_value_refuse(v);
			return;
		}
		sn_conf_value_append(v, text, strlen(text));
	}
}

static void set_int(struct sn_conf_value *v, const config_setting_t *s)
{
	enum sn_conf_type type = v->key->type;
	long long n = config_setting_type(s) == CONFIG_TYPE_INT64
			  ? config_setting_get_int64(s)
			  : config_setting_get_int(s);

	/* libconfig turns numbers from 2^31 on negative without a word. */
	if (n < 0)
		sn_conf_report_add(v->report, v->file, v->line,
		    "%s is negative, or too large to be written without "
		    "quotes; write it as %s",
		    v->key->name,
		    type == SN_CONF_INT ? "\"5000000000\""
					: sn_conf_value_form(type));
	else if (type == SN_CONF_DURATION && n != 0)
		sn_conf_value_refuse(v);
	else
		sn_conf_value_number(v, (uint64_t)n);
}

static void set_value(const struct sn_conf_tree *t,
    const struct sn_conf_key *key, const config_setting_t *s)
{
	struct sn_conf_value v = { key, t->out, t->file, line_of(s),
		t->report };
	bool numeric = key->type == SN_CONF_INT || key->type == SN_CONF_SIZE ||
		       key->type == SN_CONF_DURATION;

	switch (config_setting_type(s)) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		if (numeric) {
			set_int(&v, s);
			return;
		}
		break;
	case CONFIG_TYPE_BOOL:
		if (key->type == SN_CONF_BOOL) {
			sn_conf_value_bool(&v, config_setting_get_bool(s) != 0);
			return;
		}
		break;
	case CONFIG_TYPE_STRING:
		if (key->type != SN_CONF_BOOL && key->type != SN_CONF_LIST) {
			sn_conf_value_text(&v, config_setting_get_string(s));
			return;
		}
		break;
	default:
		if (key->type == SN_CONF_LIST) {
			set_list(&v, s);
			return;
		}
		break;
	}
	sn_conf_value_refuse(&v);
}

static const struct sn_conf_key *find(
    const struct sn_conf_tree *t, const char *name)
{
	for (size_t i = 0; i < t->count; i++) {
		if (strcmp(t->keys[i].name, name) == 0)
			return (&t->keys[i]);
	}
	return (NULL);
}

/* Whether ${name} is a group that some key stands in. */
static bool is_group(const struct sn_conf_tree *t, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < t->count; i++) {
		if (strncmp(t->keys[i].name, name, n) == 0 &&
		    t->keys[i].name[n] == '.')
			return (true);
	}
	return (false);
}

static void unknown(
    const struct sn_conf_tree *t, const char *name, unsigned line)
{
	const char *near = NULL;
	size_t best = sn_nearest_limit(name);

	for (size_t i = 0; i < t->count; i++) {
		size_t d = sn_nearest_distance(name, t->keys[i].name);

		if (d < best) {
			best = d;
			near = t->keys[i].name;
		}
	}
	if (near != NULL)
		sn_conf_report_add(t->report, t->file, line,
		    "there is no key %s; did you mean %s?", name, near);
	else
		sn_conf_report_add(
		    t->report, t->file, line, "there is no key %s", name);
}

static void read_level(
    struct walk *w, const char *prefix, const config_setting_t *group);
static void read_groups(
    const struct sn_conf_tree *t, const config_setting_t *s);

static void read_setting(
    struct walk *w, const char *prefix, const config_setting_t *s)
{
	const struct sn_conf_tree *t = w->tree;
	bool group = config_setting_type(s) == CONFIG_TYPE_GROUP;
	unsigned line = line_of(s);
	const struct sn_conf_key *key;
	char name[NAME_MAX_BYTES];

	(void)snprintf(name, sizeof(name), "%s%s%s", prefix,
	    prefix[0] != '\0' ? "." : "", config_setting_name(s));
	if (t->groups != NULL && strcmp(name, t->groups->name) == 0) {
		if (group)
			read_groups(t, s);
		else
			sn_conf_report_add(t->report, t->file, line,
			    "%s needs groups: { name: { ... }; }", name);
	} else if ((key = find(t, name)) != NULL) {
		w->seen[key - t->keys] = true;
		set_value(t, key, s);
	} else if (is_group(t, name)) {
		if (group)
			read_level(w, name, s);
		else
			sn_conf_report_add(t->report, t->file, line,
			    "%s is a group: { key = value; }", name);
	} else {
		unknown(t, name, line);
	}
}

static void read_level(
    struct walk *w, const char *prefix, const config_setting_t *group)
{
	int n = config_setting_length(group);

	for (int i = 0; i < n; i++)
		read_setting(
		    w, prefix, config_setting_get_elem(group, (unsigned)i));
}

static void fill_in(const struct walk *w, unsigned line)
{
	const struct sn_conf_tree *t = w->tree;

	for (size_t i = 0; i < t->count; i++) {
		struct sn_conf_value v = { &t->keys[i], t->out, t->file, 0,
			t->report };

		if (w->seen[i])
			continue;
		if (v.key->fallback == NULL)
			sn_conf_report_add(t->report, t->file, line,
			    "%s is missing: %s", v.key->name, v.key->help);
		else
			sn_conf_value_text(&v, v.key->fallback);
	}
}

/* All rows of one struct; what is missing is missed in ${line}. */
static void read_rows(
    const struct sn_conf_tree *t, const config_setting_t *s, unsigned line)
{
	struct walk w = { .tree = t };

	read_level(&w, "", s);
	fill_in(&w, line);
}

/* ${group} is taken, or it is reported why not. */
static bool hand_over(const struct sn_conf_tree *t, const config_setting_t *s,
    const struct sn_conf_tree *group)
{
	struct sn_why why = { "it is not valid" };
	unsigned before = t->report->errors;
	const char *name = config_setting_name(s);

	read_rows(group, s, line_of(s));
	if (t->report->errors > before)
		return (false);
	if (t->each(t->arg, name, group->out, &why) == SN_OK)
		return (true);
	sn_conf_report_add(t->report, t->file, line_of(s), "%s.%s: %s",
	    t->groups->name, name, why.text);
	return (false);
}

static void read_groups(const struct sn_conf_tree *t, const config_setting_t *s)
{
	int n = config_setting_length(s);

	for (int i = 0; i < n; i++) {
		const config_setting_t *one =
		    config_setting_get_elem(s, (unsigned)i);
		struct sn_conf_tree group = { .file = t->file,
			.keys = t->groups->keys,
			.count = t->groups->count,
			.report = t->report };

		if (config_setting_type(one) != CONFIG_TYPE_GROUP) {
			sn_conf_report_add(t->report, t->file, line_of(one),
			    "%s.%s must be a group", t->groups->name,
			    config_setting_name(one));
			continue;
		}
		if ((group.out = calloc(1, t->groups->size)) == NULL) {
			sn_conf_report_add(
			    t->report, t->file, line_of(one), "no memory");
			return;
		}
		if (!hand_over(t, one, &group)) {
			sn_conf_free(group.keys, group.count, group.out);
			free(group.out);
		}
	}
}

enum sn_err sn_conf_tree_read(const struct sn_conf_tree *t, const char *text)
{
	config_t config;
	char *whole;

	if (t->count > KEYS_MAX ||
	    (t->groups != NULL && t->groups->count > KEYS_MAX))
		return (SN_EBUG);
	/* A comment in the last line is an error to libconfig unless a
	 * newline ends it. */
	if (asprintf(&whole, "%s\n", text) < 0)
		return (SN_ENOMEM);
	config_init(&config);
	if (config_read_string(&config, whole) == CONFIG_TRUE)
		read_rows(t, config_root_setting(&config), 0);
	else
		/* It stops at the first: what follows cannot be read. */
		sn_conf_report_add(t->report, t->file,
		    (unsigned)config_error_line(&config),
		    "%s; is a quote, '=' or '}' missing, or is there a comma "
		    "behind the last of a list?",
		    config_error_text(&config));
	config_destroy(&config);
	free(whole);
	return (SN_OK);
}
