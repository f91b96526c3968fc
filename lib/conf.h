#ifndef SN_LIB_CONF_H
#define SN_LIB_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/bytes.h"
#include "lib/err.h"

/*
 * Configuration files (libconfig) read by tables.  A key exists in one row:
 * its name, type, where its value goes, default, range, help.  The parser,
 * the sample file and the dump come from the rows.
 */
enum sn_conf_type {
	SN_CONF_BOOL,     /* bool */
	SN_CONF_INT,      /* uint64_t within min..max */
	SN_CONF_SIZE,     /* uint64_t bytes; "10GiB", or a plain number */
	SN_CONF_DURATION, /* uint64_t ms; "48h", "200ms" */
	SN_CONF_STRING,   /* char *, of min..max bytes */
	SN_CONF_PATH,     /* char *, the same, absolute or made so against
			     the file's folder; "" stays "" */
	SN_CONF_WORD,     /* int: the index of one of ${words} */
	SN_CONF_LIST,     /* struct sn_conf_list of strings */
};

struct sn_conf_list {
	char **items;
	size_t count;
};

struct sn_conf_key {
	const char *name; /* "limits.connections": dots are groups. */
	enum sn_conf_type type;
	size_t offset;        /* In the struct that is filled in. */
	const char *fallback; /* As one would write it; NULL: required.  A
				 list's items have commas between them. */
	uint64_t min, max;    /* Bounds of numbers; of a text's length. */
	const char *words;    /* "cn|dn|san-uri" */
	bool reloadable;
	const char *help; /* One or two lines for the sample file. */
};

/* All that is wrong, a sentence a line, each with file, line and key. */
struct sn_conf_report {
	unsigned errors;
	char text[8192];
};

/**
 * sn_conf_read(path, keys, count, out, report):
 * Read the file into the struct ${out}, which must be zeroed; texts and
 * lists are malloc'd (sn_conf_free).  All errors are reported, not the
 * first: a wrong type, a value out of range, a key nobody knows (with the
 * nearest one), a missing one.  SN_ECONF, SN_ENOTFOUND, SN_ENOMEM; ${out}
 * holds nothing then.
 */
enum sn_err sn_conf_read(const char *path, const struct sn_conf_key *keys,
    size_t count, void *out, struct sn_conf_report *report) SN_MUST_USE;

/** sn_conf_read_text: of a text; ${name} is the file's, for messages and
 * relative paths. */
enum sn_err sn_conf_read_text(struct sn_bytes text, const char *name,
    const struct sn_conf_key *keys, size_t count, void *out,
    struct sn_conf_report *report) SN_MUST_USE;

/*
 * Groups that repeat under names of the user's choice, such as
 *	profiles: { client: { ... }; machine: { ... }; };
 */
struct sn_conf_groups {
	const char *name; /* "profiles" */
	const struct sn_conf_key *keys;
	size_t count;
	size_t size; /* Of the struct that each group fills in. */
};

/**
 * sn_conf_read_groups(path, keys, count, out, groups, each, arg, report):
 * As sn_conf_read, and ${each} is called for every group with its name and
 * a malloc'd struct that has been filled in and that it takes (sn_conf_free,
 * free).  When it refuses with a sentence, that is reported with the group's
 * line, and the struct stays ours.
 */
enum sn_err sn_conf_read_groups(const char *path,
    const struct sn_conf_key *keys, size_t count, void *out,
    const struct sn_conf_groups *groups,
    enum sn_err (*each)(
	void *arg, const char *name, void *group, struct sn_why *why),
    void *arg, struct sn_conf_report *report) SN_MUST_USE;

/** sn_conf_free(keys, count, out): what the rows allocated. */
void sn_conf_free(const struct sn_conf_key *keys, size_t count, void *out);

/** sn_conf_number(text, type, out): "64MiB", "48h" or "7", as the file has
 * them; false when it is none of that type. */
bool sn_conf_number(const char *text, enum sn_conf_type type, uint64_t *out);

/** sn_conf_sample(keys, count, to): a commented sample of the defaults. */
void sn_conf_sample(const struct sn_conf_key *keys, size_t count, FILE *to);

/** sn_conf_sample_group(keys, count, to): the same for the keys of a group
 * within a group, indented twice. */
void sn_conf_sample_group(
    const struct sn_conf_key *keys, size_t count, FILE *to);

/** sn_conf_dump(keys, count, in, to): the values in force, as a file. */
void sn_conf_dump(
    const struct sn_conf_key *keys, size_t count, const void *in, FILE *to);

#endif
