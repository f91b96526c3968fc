#ifndef SN_LIB_CTL_H
#define SN_LIB_CTL_H

#include <stdbool.h>

#include <jansson.h>

#include "lib/err.h"

/*
 * The client's end of sicherd's control socket: one JSON object a line each
 * way, {"cmd":"..."} answered by {"ok":true,...} or
 * {"ok":false,"error":"code","message":"sentence"}.
 */
#define SN_CTL_PATH "/run/sichernetz/control"

struct sn_ctl;

/**
 * sn_ctl_open(path, wait_ms, out, why):
 * Connect; each later question may take ${wait_ms}.  SN_ECLOSED when no
 * server answers there, SN_EDENIED when this user may not ask, SN_EINVAL
 * for a path that cannot be a socket's, SN_EIO, SN_ENOMEM.
 */
enum sn_err sn_ctl_open(const char *path, unsigned wait_ms, struct sn_ctl **out,
    struct sn_why *why) SN_MUST_USE;
void sn_ctl_close(struct sn_ctl *ctl);

/**
 * sn_ctl_ask(ctl, request, reply, why):
 * Send ${request}, which stays the caller's, and wait for the answer, an
 * object that the caller releases, whether it says "ok" or not.  Buffers
 * are wiped, for both may hold secrets.  SN_ETIMEOUT, SN_ECLOSED,
 * SN_ETOOBIG, SN_EPROTO (no JSON object), SN_ENOMEM; the connection is of
 * no more use then.
 */
enum sn_err sn_ctl_ask(struct sn_ctl *ctl, const json_t *request,
    json_t **reply, struct sn_why *why) SN_MUST_USE;

/** sn_ctl_ok(reply): whether it says "ok". */
bool sn_ctl_ok(const json_t *reply);

/** sn_ctl_text(reply, name): its text of that name; "" when there is none.
 * The reply's. */
const char *sn_ctl_text(const json_t *reply, const char *name);

#endif
