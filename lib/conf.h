#ifndef SN_LIB_CONF_H
#define SN_LIB_CONF_H

#include <stddef.h>
#include <stdio.h>

#include "lib/bytes.h"
#include "lib/conf_key.h"
#include "lib/conf_report.h"
#include "lib/err.h"

/*
 * Configuration files (libconfig), read and written by tables of keys
 * (conf_key.h).
 */

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
typedef enum sn_err sn_conf_each(
    void *arg, const char *name, void *group, struct sn_why *why);

/**
 * sn_conf_read_groups(path, keys, count, out, groups, each, arg, report):
 * As sn_conf_read, and ${each} is called for every group with its name and
 * a malloc'd struct that has been filled in and that it takes (sn_conf_free,
 * free).  When it refuses with a sentence, that is reported with the group's
 * line, and the struct stays ours.
 */
enum sn_err sn_conf_read_groups(const char *path,
    const struct sn_conf_key *keys, size_t count, void *out,
    const struct sn_conf_groups *groups, sn_conf_each *each, void *arg,
    struct sn_conf_report *report) SN_MUST_USE;

/** sn_conf_free(keys, count, out): what the rows allocated. */
void sn_conf_free(const struct sn_conf_key *keys, size_t count, void *out);

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
