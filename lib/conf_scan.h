#ifndef SN_LIB_CONF_SCAN_H
#define SN_LIB_CONF_SCAN_H

/**
 * sn_conf_scan_integer(text, line):
 * The first integer outside texts and comments that libconfig would cut to
 * 32 bits without a word (4294967298 is read as 2): its line in *${line},
 * and where it stands; NULL when there is none.
 */
const char *sn_conf_scan_integer(const char *text, unsigned *line);

/** sn_conf_scan_quote(text): the line in which a text begins that never
 * ends; 0 when all do. */
unsigned sn_conf_scan_quote(const char *text);

#endif
