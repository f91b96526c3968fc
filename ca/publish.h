#ifndef CA_PUBLISH_H
#define CA_PUBLISH_H

#include "ca/cmd.h"
#include "ca/issuer.h"

/**
 * publish_and_tell(cmd, id, key, out):
 * With the CRL lock held: sign the CRL of issuer ${id}, write crl.pem, tell
 * the server where a control socket is known, and say what came of it;
 * ${cmd}->status becomes STATUS_ATTENTION when the server did not confirm.
 */
enum sn_err publish_and_tell(struct cmd *cmd, uint32_t id,
    const struct key *key, struct issuer *out) SN_MUST_USE;

#endif
