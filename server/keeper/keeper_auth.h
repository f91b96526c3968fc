#ifndef SERVER_KEEPER_KEEPER_AUTH_H
#define SERVER_KEEPER_KEEPER_AUTH_H

#include "server/keeper/keeper_login.h"
#include "lib/poll.h"

/*
 * The sockets over which net's loops ask about passwords and tokens
 * (server/keeper/keeper_wire.h).  Each request passes one table; what is not in it
 * ends the channel it came from.
 */
struct keeper_auth;

enum sn_err keeper_auth_new(struct sn_poll *poll, struct keeper_vault *vault,
    struct keeper_logins *logins, struct keeper_auth **out) SN_MUST_USE;

/** keeper_auth_free(auth): closes the channels; NULL is fine. */
void keeper_auth_free(struct keeper_auth *auth);

/** keeper_auth_channels(auth, fds, n): these sockets in place of those
 * before.  Takes them; on failure they are closed. */
enum sn_err keeper_auth_channels(
    struct keeper_auth *auth, const int *fds, unsigned n) SN_MUST_USE;

/** keeper_auth_tend(auth): close what was found broken this turn. */
void keeper_auth_tend(struct keeper_auth *auth);

/** keeper_auth_refused(auth): requests that were none. */
uint64_t keeper_auth_refused(const struct keeper_auth *auth);

#endif
