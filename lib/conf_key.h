#ifndef SN_LIB_CONF_KEY_H
#define SN_LIB_CONF_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A key of a configuration exists in one row: its name, type, where its value
 * goes, default, range, help.  What reads files, the sample file and the dump
 * come from the rows.
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

#endif
