#ifndef CA_CMD_DEVICE_H
#define CA_CMD_DEVICE_H

#include "ca/cmd.h"
#include "ca/leaf.h"

/* What the commands share that certify one device: issue and renew. */

/** cmd_device_take(cmd, leaf): what the command line says of it: account,
 * device, where its files go.  SN_EINVAL. */
enum sn_err cmd_device_take(struct cmd *cmd, struct leaf *leaf) SN_MUST_USE;

/** cmd_device_profile(cmd, leaf, usual): once the authority is open, the
 * profile (${usual} where none was named; NULL: the predefined one), and the
 * key of --csr. */
enum sn_err cmd_device_profile(
    struct cmd *cmd, struct leaf *leaf, const char *usual) SN_MUST_USE;

/** cmd_device_make(cmd, leaf): ask for the secrets, then as leaf_make; says
 * what was made. */
enum sn_err cmd_device_make(struct cmd *cmd, struct leaf *leaf) SN_MUST_USE;

#endif
