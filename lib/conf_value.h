#ifndef SN_LIB_CONF_VALUE_H
#define SN_LIB_CONF_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/conf_key.h"
#include "lib/conf_report.h"

/*
 * One value on its way into a struct: held against its row, then put in its
 * place, or reported.
 */
struct sn_conf_value {
	const struct sn_conf_key *key;
	void *out;        /* The struct that is filled in. */
	const char *file; /* Where it stands. */
	unsigned line;    /* 0: it is the row's default. */
	struct sn_conf_report *report;
};

/** sn_conf_value_bool(v, is), sn_conf_value_number(v, n): of a row of that
 * kind; a number's range is looked at. */
void sn_conf_value_bool(struct sn_conf_value *v, bool is);
void sn_conf_value_number(struct sn_conf_value *v, uint64_t n);

/** sn_conf_value_text(v, text): for a row of any type: "48h" is a
 * duration, "a,b" a list of two. */
void sn_conf_value_text(struct sn_conf_value *v, const char *text);

/** sn_conf_value_room(v, n): whether a list may have ${n} entries. */
bool sn_conf_value_room(struct sn_conf_value *v, size_t n);

/** sn_conf_value_append(v, text, n): one entry more. */
void sn_conf_value_append(struct sn_conf_value *v, const char *text, size_t n);

/** sn_conf_value_refuse(v): it is of another type than its row. */
void sn_conf_value_refuse(struct sn_conf_value *v);

/** sn_conf_value_form(type): what a value of this type looks like, in words. */
const char *sn_conf_value_form(enum sn_conf_type type);

/** sn_conf_value_free(key, out): what was allocated for it in ${out}. */
void sn_conf_value_free(const struct sn_conf_key *key, void *out);

#endif
