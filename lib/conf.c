#include "lib/conf.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <libconfig.h>

#include "lib/conf_scan.h"
#include "lib/file.h"
#include "lib/nearest.h"

#define FILE_MAX ((size_t)1 << 20)
#define NAME_MAX_BYTES 256
#define KEYS_MAX 256

/* One reading of one file or group. */
struct reading {
	const char *file;
	const struct sn_conf_key *keys;
	size_t count;
	void *out;
	const struct sn_conf_groups *groups;
	enum sn_err (*each)(
	    void *arg, const char *name, void *group, struct sn_why *why);
	void *arg;
	struct sn_conf_report *report;
	bool seen[KEYS_MAX];
};

static void complain(struct sn_conf_report *r, const char *file, unsigned line,
    const char *format, ...) SN_PRINTF(4, 5);

static void complain(struct sn_conf_report *r, const char *file, unsigned line,
    const char *format, ...)
{
	size_t n = strlen(r->text), space = sizeof(r->text) - n;
	va_list ap;

	r->errors++;
	if (line > 0)
		(void)snprintf(r->text + n, space, "%s:%u: ", file, line);
	else
		(void)snprintf(r->text + n, space, "%s: ", file);
	n += strlen(r->text + n);
	va_start(ap, format);
	(void)vsnprintf(r->text + n, sizeof(r->text) - n, format, ap);
	va_end(ap);
	n += strlen(r->text + n);
	if (n + 1 < sizeof(r->text)) {
		r->text[n] = '\n';
		r->text[n + 1] = '\0';
	}
}

struct unit {
	const char *word;
	uint64_t factor;
};
static const struct unit sizes[] = { { "GiB", UINT64_C(1) << 30 },
	{ "MiB", UINT64_C(1) << 20 }, { "KiB", UINT64_C(1) << 10 },
	{ "TiB", UINT64_C(1) << 40 }, { "B", 1 }, { NULL, 0 } };
static const struct unit durations[] = { { "d", 86400000 }, { "h", 3600000 },
	{ "ms", 1 }, { "m", 60000 }, { "s", 1000 }, { NULL, 0 } };
static const struct unit plain[] = { { NULL, 0 } };

static const struct unit *units_of(enum sn_conf_type type)
{
	if (type == SN_CONF_SIZE)
		return (sizes);
	return (type == SN_CONF_DURATION ? durations : plain);
}

/* "10GiB", "48h", "7": digits and at most one unit. */
static bool number(const char *text, const struct unit *units, uint64_t *out)
{
	char *end;
	uint64_t v;

	if (!isdigit((unsigned char)text[0]))
		return (false);
	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno != 0)
		return (false);
	if (*end == '\0') {
		/* A duration without its unit would be a guess. */
		*out = v;
		return (units != durations || v == 0);
	}
	for (; units->word != NULL; units++) {
		if (strcmp(end, units->word) != 0)
			continue;
		return (!__builtin_mul_overflow(v, units->factor, out));
	}
	return (false);
}

bool sn_conf_number(const char *text, enum sn_conf_type type, uint64_t *out)
{
	return (number(text, units_of(type), out));
}

/* The number as one would write it, with the greatest unit that fits. */
static const char *show(
    uint64_t v, enum sn_conf_type type, char *out, size_t size)
{
	const struct unit *best = NULL;

	for (const struct unit *u = units_of(type); u->word != NULL; u++) {
		if (v != 0 && v % u->factor == 0 &&
		    (best == NULL || u->factor > best->factor))
			best = u;
	}
	if (best == NULL)
		(void)snprintf(out, size, "%" PRIu64, v);
	else
		(void)snprintf(
		    out, size, "%" PRIu64 "%s", v / best->factor, best->word);
	return (out);
}

static void *place(const struct sn_conf_key *key, void *out)
{
	return ((char *)out + key->offset);
}

static const char *type_word(enum sn_conf_type type)
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

static void bad_type(
    struct reading *r, const struct sn_conf_key *key, unsigned line)
{
	complain(r->report, r->file, line, "%s needs %s%s%s", key->name,
	    type_word(key->type), key->words != NULL ? " " : "",
	    key->words != NULL ? key->words : "");
}

static void set_number(
    struct reading *r, const struct sn_conf_key *key, unsigned line, uint64_t v)
{
	char low[32], high[32], is[32];

	if (v < key->min || v > key->max) {
		complain(r->report, r->file, line,
		    "%s is %s, and must be from %s to %s", key->name,
		    show(v, key->type, is, sizeof(is)),
		    show(key->min, key->type, low, sizeof(low)),
		    show(key->max, key->type, high, sizeof(high)));
		return;
	}
	*(uint64_t *)place(key, r->out) = v;
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

static void set_text(struct reading *r, const struct sn_conf_key *key,
    unsigned line, const char *text)
{
	size_t n = strlen(text);
	char **to = place(key, r->out);

	if (n == 0 && key->min > 0) {
		complain(r->report, r->file, line,
		    "%s is empty, and must be set", key->name);
		return;
	}
	if (n < key->min || n > key->max) {
		complain(r->report, r->file, line,
		    "%s has %zu characters, and must have from %" PRIu64
		    " to %" PRIu64,
		    key->name, n, key->min, key->max);
		return;
	}
	*to =
	    key->type == SN_CONF_PATH ? absolute(r->file, text) : strdup(text);
	if (*to == NULL)
		complain(r->report, r->file, line, "no memory");
}

static void set_word(struct reading *r, const struct sn_conf_key *key,
    unsigned line, const char *text)
{
	const char *p = key->words;
	size_t n = strlen(text);

	for (int i = 0; p != NULL; i++) {
		const char *bar = strchr(p, '|');
		size_t len = bar != NULL ? (size_t)(bar - p) : strlen(p);

		if (len == n && memcmp(p, text, n) == 0) {
			*(int *)place(key, r->out) = i;
			return;
		}
		p = bar != NULL ? bar + 1 : NULL;
	}
	complain(r->report, r->file, line,
	    "%s is \"%.40s\", and must be one "
	    "of %s",
	    key->name, text, key->words);
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

/* A default of the table, or a string of the file. */
static void set_from_text(struct reading *r, const struct sn_conf_key *key,
    unsigned line, const char *text)
{
	uint64_t v;

	switch (key->type) {
	case SN_CONF_BOOL:
		*(bool *)place(key, r->out) = strcmp(text, "true") == 0;
		break;
	case SN_CONF_INT:
	case SN_CONF_SIZE:
	case SN_CONF_DURATION:
		if (!number(text, units_of(key->type), &v))
			bad_type(r, key, line);
		else
			set_number(r, key, line, v);
		break;
	case SN_CONF_STRING:
	case SN_CONF_PATH:
		set_text(r, key, line, text);
		break;
	case SN_CONF_WORD:
		set_word(r, key, line, text);
		break;
	case SN_CONF_LIST:
		while (*text != '\0') {
			size_t n = strcspn(text, ",");

			if (!append(place(key, r->out), text, n))
				complain(r->report, r->file, line, "no memory");
			text += n + (text[n] == ',');
		}
		break;
	}
}

static void set_list(
    struct reading *r, const struct sn_conf_key *key, const config_setting_t *s)
{
	unsigned line = config_setting_source_line(s);
	int n = config_setting_length(s);

	if (config_setting_type(s) != CONFIG_TYPE_ARRAY &&
	    config_setting_type(s) != CONFIG_TYPE_LIST) {
		bad_type(r, key, line);
		return;
	}
	if ((uint64_t)n < key->min || (uint64_t)n > key->max) {
		complain(r->report, r->file, line,
		    "%s has %d entries, and must have from %" PRIu64
		    " to %" PRIu64,
		    key->name, n, key->min, key->max);
		return;
	}
	for (int i = 0; i < n; i++) {
		const char *text = config_setting_get_string_elem(s, i);

		if (text == NULL) {
			bad_type(r, key, line);
			return;
		}
		if (!append(place(key, r->out), text, strlen(text)))
			complain(r->report, r->file, line, "no memory");
	}
}

static void set_int(
    struct reading *r, const struct sn_conf_key *key, const config_setting_t *s)
{
	unsigned line = config_setting_source_line(s);
	long long v = config_setting_type(s) == CONFIG_TYPE_INT64
			  ? config_setting_get_int64(s)
			  : config_setting_get_int(s);

	/* libconfig turns numbers from 2^31 on negative without a word. */
	if (v < 0)
		complain(r->report, r->file, line,
		    "%s is negative, or too large to be written without "
		    "quotes; write it as %s",
		    key->name,
		    key->type == SN_CONF_INT ? "\"5000000000\""
					     : type_word(key->type));
	else if (key->type == SN_CONF_DURATION && v != 0)
		bad_type(r, key, line);
	else
		set_number(r, key, line, (uint64_t)v);
}

static void set_value(
    struct reading *r, const struct sn_conf_key *key, const config_setting_t *s)
{
	unsigned line = config_setting_source_line(s);
	bool numeric = key->type == SN_CONF_INT || key->type == SN_CONF_SIZE ||
		       key->type == SN_CONF_DURATION;

	switch (config_setting_type(s)) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		if (numeric) {
			set_int(r, key, s);
			return;
		}
		break;
	case CONFIG_TYPE_BOOL:
		if (key->type == SN_CONF_BOOL) {
			*(bool *)place(key, r->out) =
			    config_setting_get_bool(s) != 0;
			return;
		}
		break;
	case CONFIG_TYPE_STRING:
		if (key->type != SN_CONF_BOOL && key->type != SN_CONF_LIST) {
			set_from_text(
			    r, key, line, config_setting_get_string(s));
			return;
		}
		break;
	default:
		if (key->type == SN_CONF_LIST) {
			set_list(r, key, s);
			return;
		}
		break;
	}
	bad_type(r, key, line);
}

static const struct sn_conf_key *find(const struct reading *r, const char *name)
{
	for (size_t i = 0; i < r->count; i++) {
		if (strcmp(r->keys[i].name, name) == 0)
			return (&r->keys[i]);
	}
	return (NULL);
}

/* Whether ${name} is a group that some key stands in. */
static bool is_group(const struct reading *r, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < r->count; i++) {
		if (strncmp(r->keys[i].name, name, n) == 0 &&
		    r->keys[i].name[n] == '.')
			return (true);
	}
	return (false);
}

static void unknown(struct reading *r, const char *name, unsigned line)
{
	const char *near = NULL;
	size_t best = sn_nearest_limit(name);

	for (size_t i = 0; i < r->count; i++) {
		size_t d = sn_nearest_distance(name, r->keys[i].name);

		if (d < best) {
			best = d;
			near = r->keys[i].name;
		}
	}
	if (near != NULL)
		complain(r->report, r->file, line,
		    "there is no key %s; did you mean %s?", name, near);
	else
		complain(r->report, r->file, line, "there is no key %s", name);
}

static void read_level(
    struct reading *r, const char *prefix, const config_setting_t *group);
static void read_groups(struct reading *r, const config_setting_t *s);

static void read_setting(
    struct reading *r, const char *prefix, const config_setting_t *s)
{
	bool group = config_setting_type(s) == CONFIG_TYPE_GROUP;
	unsigned line = config_setting_source_line(s);
	const struct sn_conf_key *key;
	char name[NAME_MAX_BYTES];

	(void)snprintf(name, sizeof(name), "%s%s%s", prefix,
	    prefix[0] != '\0' ? "." : "", config_setting_name(s));
	if (r->groups != NULL && strcmp(name, r->groups->name) == 0) {
		if (group)
			read_groups(r, s);
		else
			complain(r->report, r->file, line,
			    "%s needs groups: { name: { ... }; }", name);
	} else if ((key = find(r, name)) != NULL) {
		r->seen[key - r->keys] = true;
		set_value(r, key, s);
	} else if (is_group(r, name)) {
		if (group)
			read_level(r, name, s);
		else
			complain(r->report, r->file, line,
			    "%s is a group: { key = value; }", name);
	} else {
		unknown(r, name, line);
	}
}

static void read_level(
    struct reading *r, const char *prefix, const config_setting_t *group)
{
	int n = config_setting_length(group);

	for (int i = 0; i < n; i++)
		read_setting(
		    r, prefix, config_setting_get_elem(group, (unsigned)i));
}

static void fill_in(struct reading *r, unsigned line)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct sn_conf_key *key = &r->keys[i];

		if (r->seen[i])
			continue;
		if (key->fallback == NULL)
			complain(r->report, r->file, line, "%s is missing: %s",
			    key->name, key->help);
		else
			set_from_text(r, key, 0, key->fallback);
	}
}

static void read_groups(struct reading *r, const config_setting_t *s)
{
	int n = config_setting_length(s);

	for (int i = 0; i < n; i++) {
		const config_setting_t *one =
		    config_setting_get_elem(s, (unsigned)i);
		unsigned line = config_setting_source_line(one);
		unsigned before = r->report->errors;
		struct sn_why why = { "it is not valid" };
		struct reading inner = { .file = r->file,
			.keys = r->groups->keys,
			.count = r->groups->count,
			.report = r->report };

		if (config_setting_type(one) != CONFIG_TYPE_GROUP) {
			complain(r->report, r->file, line,
			    "%s.%s must be a group", r->groups->name,
			    config_setting_name(one));
			continue;
		}
		if ((inner.out = calloc(1, r->groups->size)) == NULL) {
			complain(r->report, r->file, line, "no memory");
			return;
		}
		read_level(&inner, "", one);
		fill_in(&inner, line);
		if (r->report->errors == before &&
		    r->each(r->arg, config_setting_name(one), inner.out,
			&why) == SN_OK)
			continue;
		if (r->report->errors == before)
			complain(r->report, r->file, line, "%s.%s: %s",
			    r->groups->name, config_setting_name(one),
			    why.text);
		sn_conf_free(inner.keys, inner.count, inner.out);
		free(inner.out);
	}
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

static void check_integers(struct reading *r, const char *text)
{
	unsigned line;
	const char *name, *p = sn_conf_scan_integer(text, &line);
	int digits, n;

	if (p == NULL)
		return;
	digits = (int)strspn(p, "0123456789abcdefxABCDEFX");
	name = name_before(text, p, &n);
	complain(r->report, r->file, line,
	    "%.*s is %.*s, too large to be written without quotes; write "
	    "\"%.*s\"",
	    n, name, digits, p, digits, p);
}

/* libconfig would name the last line. */
static bool has_open_quote(struct reading *r, const char *text)
{
	unsigned line = sn_conf_scan_quote(text);

	if (line > 0)
		complain(r->report, r->file, line,
		    "the text that begins here has no closing quote");
	return (line > 0);
}

/* One file is what is checked, and what is handed to processes that open
 * no other. */
static bool has_include(struct reading *r, const char *text)
{
	unsigned line = 1, before = r->report->errors;

	while (*text != '\0') {
		text += strspn(text, " \t\r");
		if (strncmp(text, "@include", 8) == 0)
			complain(r->report, r->file, line,
			    "@include is not taken; write all of it into "
			    "one file");
		text += strcspn(text, "\n");
		text += *text == '\n';
		line++;
	}
	return (r->report->errors > before);
}

static enum sn_err read_text(struct reading *r, const char *text)
{
	config_t config;
	char *whole;

	r->report->errors = 0;
	r->report->text[0] = '\0';
	if (r->count > KEYS_MAX)
		return (SN_EBUG);
	check_integers(r, text);
	if (has_include(r, text) || has_open_quote(r, text))
		return (SN_ECONF);
	/* A comment in the last line is an error to libconfig unless a
	 * newline ends it. */
	if (asprintf(&whole, "%s\n", text) < 0)
		return (SN_ENOMEM);
	config_init(&config);
	if (config_read_string(&config, whole) != CONFIG_TRUE) {
		/* It stops at the first: what follows cannot be read. */
		complain(r->report, r->file,
		    (unsigned)config_error_line(&config),
		    "%s; is a quote, '=' or '}' missing, or is there a comma "
		    "behind the last of a list?",
		    config_error_text(&config));
	} else {
		read_level(r, "", config_root_setting(&config));
		fill_in(r, 0);
	}
	config_destroy(&config);
	free(whole);
	if (r->report->errors == 0)
		return (SN_OK);
	sn_conf_free(r->keys, r->count, r->out);
	return (SN_ECONF);
}

static enum sn_err read_file(struct reading *r)
{
	struct sn_why why = { "" };
	enum sn_err err;
	char *text;
	size_t n;

	r->report->errors = 0;
	r->report->text[0] = '\0';
	err = sn_file_read(r->file, FILE_MAX, &text, &n, &why);
	if (err == SN_ENOTFOUND) {
		complain(r->report, r->file, 0,
		    "there is no such file; --sample-config prints one to "
		    "begin with");
		return (err);
	}
	if (err != SN_OK) {
		complain(r->report, r->file, 0, "%s", why.text);
		return (err);
	}
	err = read_text(r, text);
	free(text);
	return (err);
}

enum sn_err sn_conf_read(const char *path, const struct sn_conf_key *keys,
    size_t count, void *out, struct sn_conf_report *report)
{
	struct reading r = { .file = path,
		.keys = keys,
		.count = count,
		.out = out,
		.report = report };

	return (read_file(&r));
}

enum sn_err sn_conf_read_text(struct sn_bytes text, const char *name,
    const struct sn_conf_key *keys, size_t count, void *out,
    struct sn_conf_report *report)
{
	struct reading r = { .file = name,
		.keys = keys,
		.count = count,
		.out = out,
		.report = report };
	char *copy = strndup(text.p, text.n);
	enum sn_err err;

	if (copy == NULL)
		return (SN_ENOMEM);
	err = read_text(&r, copy);
	free(copy);
	return (err);
}

enum sn_err sn_conf_read_groups(const char *path,
    const struct sn_conf_key *keys, size_t count, void *out,
    const struct sn_conf_groups *groups,
    enum sn_err (*each)(
	void *arg, const char *name, void *group, struct sn_why *why),
    void *arg, struct sn_conf_report *report)
{
	struct reading r = { .file = path,
		.keys = keys,
		.count = count,
		.out = out,
		.groups = groups,
		.each = each,
		.arg = arg,
		.report = report };

	return (read_file(&r));
}

void sn_conf_free(const struct sn_conf_key *keys, size_t count, void *out)
{
	for (size_t i = 0; i < count; i++) {
		struct sn_conf_list *list = place(&keys[i], out);
		char **text = place(&keys[i], out);

		switch (keys[i].type) {
		case SN_CONF_STRING:
		case SN_CONF_PATH:
			free(*text);
			*text = NULL;
			break;
		case SN_CONF_LIST:
			for (size_t j = 0; j < list->count; j++)
				free(list->items[j]);
			free(list->items);
			*list = (struct sn_conf_list){ NULL, 0 };
			break;
		default:
			break;
		}
	}
}
