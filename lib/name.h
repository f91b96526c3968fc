#ifndef SN_LIB_NAME_H
#define SN_LIB_NAME_H

#include <stdbool.h>

#include "lib/bytes.h"

/*
 * Names are matched byte for byte; docs/PROTOCOL.md, section 2.  Account
 * names, device labels and room names (behind their '#') follow one rule.
 */
#define SN_NAME_MAX 64
#define SN_NAME_ROOM_MAX (SN_NAME_MAX + 1)
#define SN_NAME_CONSUMER_MAX 32

/** [a-z0-9][a-z0-9._-]{0,63} */
bool sn_name_account(struct sn_bytes name);

/** The same behind a '#'. */
bool sn_name_room(struct sn_bytes name);

/** [a-z0-9][a-z0-9._-]{0,31} */
bool sn_name_consumer(struct sn_bytes name);

#endif
