#ifndef SN_LIB_CONF_TREE_H
#define SN_LIB_CONF_TREE_H

#include "lib/conf.h"

/*
 * One reading of one text: what libconfig makes of it is a tree, whose names
 * are held against rows.
 */
struct sn_conf_tree {
	const char *file; /* Its name, for messages and relative paths. */
	const struct sn_conf_key *keys;
	size_t count;
	void *out;                           /* The struct that is filled in. */
	const struct sn_conf_groups *groups; /* NULL: none repeat. */
	sn_conf_each *each;
	void *arg;
	struct sn_conf_report *report;
};

/**
 * sn_conf_tree_read(tree, text):
 * Parse ${text}; put every value in its place, and the defaults where nothing
 * is said.  Adds to the report, and leaves what it has allocated in place
 * whatever is wrong; SN_ENOMEM, SN_EBUG: more rows than it can take.
 */
enum sn_err sn_conf_tree_read(
    const struct sn_conf_tree *tree, const char *text) SN_MUST_USE;

#endif
