#ifndef SN_LIB_CONF_UNIT_H
#define SN_LIB_CONF_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/conf_key.h"

/*
 * Numbers as people write them: sizes in bytes ("64MiB"), durations in
 * milliseconds ("48h", "200ms"), and plain ones ("7").
 */

/** sn_conf_unit_parse(text, type, out): digits and at most one unit of
 * ${type}; false when it is none of that type, or above 64 bits. */
bool sn_conf_unit_parse(
    const char *text, enum sn_conf_type type, uint64_t *out);

/** sn_conf_unit_show(v, type, out, size): as sn_conf_unit_parse reads it, with
 * the greatest unit that fits; returns ${out}.  32 bytes are enough. */
const char *sn_conf_unit_show(
    uint64_t v, enum sn_conf_type type, char *out, size_t size);

#endif
